// Reads the names of a component's imports, so that a build can say what it made and refuse what no host would take.

const COMPONENT_HEADER = "0061736d0d000100";
const IMPORTS = 10;
const INSTANCE = 5;

/** The interfaces that the component imports, such as `portcullis:plugin/log@0.1.0`. */
export function componentImports(bytes) {
  if (Buffer.from(bytes.subarray(0, 8)).toString("hex") !== COMPONENT_HEADER) throw new Error("this is no component");
  const names = [];
  for (let at = 8; at < bytes.length; ) {
    const section = bytes[at];
    const size = u32(bytes, at + 1);
    if (section === IMPORTS) names.push(...sectionNames(bytes, size.next));
    at = size.next + size.value;
  }
  return names;
}

function sectionNames(bytes, start) {
  const names = [];
  const count = u32(bytes, start);
  let at = count.next;
  for (let i = 0; i < count.value; i++) {
    const length = u32(bytes, at + 1); // after the byte for the kind of name
    const name = Buffer.from(bytes.subarray(length.next, length.next + length.value)).toString("utf8");
    at = length.next + length.value;
    if (bytes[at] !== INSTANCE) throw new Error(`the component imports \`${name}\`, which is no interface`);
    at = u32(bytes, at + 1).next;
    names.push(name);
  }
  return names;
}

/** An unsigned LEB128 number. */
function u32(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 28) throw new Error("the component is cut off");
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next: at };
  }
}
