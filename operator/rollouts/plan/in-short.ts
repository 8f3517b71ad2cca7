const maxLength = 200

/** The first sentence of a message, for a line; what to do about it may follow it in the message. */
export function inShort(message: string): string {
  const [sentence = message] = message.split(/(?<!\be\.g|\bi\.e)\.\s/, 1)
  return clipped(sentence.replace(/\.$/, ''), maxLength)
}

/** What is so, without why. */
export function inBrief(message: string): string {
  return inShort(message).split(': ', 1)[0] ?? ''
}

/** Cuts a text between two words. */
export function clipped(text: string, length: number): string {
  if (text.length <= length) return text
  const cut = text.slice(0, length)
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), length / 2))}…`
}
