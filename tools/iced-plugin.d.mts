import type { Plugin } from 'esbuild';

export declare const icedWithoutNode: Plugin;
