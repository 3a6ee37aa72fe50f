/** Text from outside, made so that it shows what it is. */

/** Characters that change how their neighbours look: controls, and those that turn the direction of writing. */
const HIDING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\r/g;

/** The text with a sign in the place of each character that hides or moves others. Line ends and tabs stay. */
export function visible(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(HIDING, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return "\u2421";
    return `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
  });
}

/** As {@link visible}, cut to so many characters: laying out a text of a megabyte would stop the page. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return visible(text);
  // Not between the halves of a pair.
  const end = /[\ud800-\udbff]/.test(text[most - 1] ?? "") ? most - 1 : most;
  return `${visible(text.slice(0, end))}… (${text.length} characters)`;
}
