/** Labels of a linker script: __start_rodata, __end_rodata_aligned, __bss_stop, _edata. They say where a section ends. */

const SECTION_MARK = /(^|_)(start|begin|end|stop|[se](text|data|rodata|inittext))(_|$)/;

export function isSectionMark(name: string): boolean {
  return SECTION_MARK.test(name);
}
