/** Text from a dump comes from strangers: what a terminal would obey is shown, not sent. */

/** C0 and C1 but for tab and newline, DEL. */
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g; // oxlint-disable-line no-control-regex -- these are what is looked for
/** What changes the order in which letters are shown, or breaks lines where there is no newline (UAX #9, UAX #14). */
const reordering = /[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Control characters other than tab and newline as \xNN, those that reorder text as \uNNNN. */
export function escapeControl(text: string): string {
  return text
    .replace(control, (character) => `\\x${codeOf(character).padStart(2, '0')}`)
    .replace(reordering, (character) => `\\u${codeOf(character).padStart(4, '0')}`);
}

function codeOf(character: string): string {
  return character.charCodeAt(0).toString(16);
}

/** As `escapeControl`, on one line. */
export function escapeLine(text: string): string {
  return escapeControl(text).replaceAll('\n', '\\n');
}
