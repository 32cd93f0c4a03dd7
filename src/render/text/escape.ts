/** Text from a dump comes from strangers: what a terminal would obey is shown, not sent. */

const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g; // oxlint-disable-line no-control-regex -- these are what is looked for

/** Control characters other than tab and newline as \xNN. */
export function escapeControl(text: string): string {
  return text.replace(control, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** As `escapeControl`, on one line. */
export function escapeLine(text: string): string {
  return escapeControl(text).replaceAll('\n', '\\n');
}
