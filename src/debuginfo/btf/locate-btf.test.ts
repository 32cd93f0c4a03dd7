/** BTF in an image: by the linker's labels, else by its header. */

import { describe, expect, it } from 'vitest';
import { BtfBuilder } from '../../../test/builders/btf.ts';
import { imageOfBytes, IMAGE_START } from '../../../test/builders/kallsyms.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { addVirt, type VirtAddr } from '../../base/addr.ts';
import { locateBtf } from './locate-btf.ts';

function types(count: number): Uint8Array {
  const builder = new BtfBuilder();
  for (let index = 0; index < count; index++) builder.int(`a_type_with_a_long_name_${index}`, 4);
  return builder.build();
}

const nothing = (): undefined => undefined;
const kernel = types(3000);
const AT = 0x12_3404;
const bytes = new Uint8Array(AT + kernel.length + 4096);
bytes.set(types(1), 64);
bytes.set(types(1500), 4096);
bytes.set(kernel, AT);
const image = imageOfBytes(bytes);

describe('the BTF of an image', () => {
  it('is between its labels', () => {
    const labels = new Map<string, VirtAddr>([
      ['__start_BTF', addVirt(IMAGE_START, 4096)],
      ['__stop_BTF', addVirt(IMAGE_START, 5096)],
    ]);
    expect(locateBtf(image, (name) => labels.get(name))).toEqual({ address: addVirt(IMAGE_START, 4096), size: 1000 });
    labels.set('__stop_BTF', addVirt(IMAGE_START, 4095));
    expect(locateBtf(image, (name) => labels.get(name))).toBeUndefined();
  });

  it('is the largest that there is, where nothing names it', () => {
    expect(locateBtf(image, nothing)).toEqual({ address: addVirt(IMAGE_START, AT), size: kernel.length });
  });

  it('is not found where there is none', () => {
    expect(locateBtf(imageOfBytes(new Uint8Array(1 << 20)), nothing)).toBeUndefined();
    expect(locateBtf(imageOfBytes(types(1)), nothing)).toBeUndefined();
  });

  it('never does worse than an error of the family when memory is damaged', () => {
    const small = types(2000);
    mutationRun(small, 1000, (damaged) => void locateBtf(imageOfBytes(damaged), nothing));
  });
});
