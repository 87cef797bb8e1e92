// UTF-8. QuickJS has no TextEncoder; kv values and some libraries need one.

/** The UTF-8 bytes of `text`. A lone surrogate becomes U+FFFD, as in TextEncoder. */
export function encode(text: string): Uint8Array {
  // A UTF-16 unit takes at most three bytes; a pair takes four.
  const bytes = new Uint8Array(text.length * 3);
  let end = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = code < 0xdc00 ? text.charCodeAt(i + 1) : NaN;
      if (low >= 0xdc00 && low <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        i++;
      } else {
        code = 0xfffd;
      }
    }
    if (code < 0x80) {
      bytes[end++] = code;
    } else if (code < 0x800) {
      bytes[end++] = 0xc0 | (code >> 6);
      bytes[end++] = 0x80 | (code & 0x3f);
    } else if (code < 0x10000) {
      bytes[end++] = 0xe0 | (code >> 12);
      bytes[end++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[end++] = 0x80 | (code & 0x3f);
    } else {
      bytes[end++] = 0xf0 | (code >> 18);
      bytes[end++] = 0x80 | ((code >> 12) & 0x3f);
      bytes[end++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[end++] = 0x80 | (code & 0x3f);
    }
  }
  return bytes.slice(0, end);
}

/** The text of UTF-8 bytes. What is no UTF-8 becomes U+FFFD, or is thrown when `fatal`. */
export function decode(bytes: Uint8Array, fatal = false): string {
  let text = "";
  let i = 0;
  while (i < bytes.length) {
    const first = bytes[i]!;
    const size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    // The second byte has a narrower range after these: overlong forms, surrogates, and what is above U+10FFFF.
    const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    let code = size === 1 ? first : first & (0xff >> (size + 1));
    let got = size === 0 ? 0 : 1;
    while (got < size && got > 0) {
      const next = bytes[i + got];
      if (next === undefined || next < (got === 1 ? low : 0x80) || next > (got === 1 ? high : 0xbf)) break;
      code = (code << 6) | (next & 0x3f);
      got++;
    }
    if (size === 0 || got < size) {
      if (fatal) throw new TypeError(`byte ${i + got} is not UTF-8`);
      text += "\ufffd";
      i += Math.max(got, 1);
    } else {
      text += String.fromCodePoint(code);
      i += size;
    }
  }
  return text;
}
