/** Sorts numbers in tags by value: `build-9` before `build-10`. A total order, so that no answer depends on the order of the tags. */
export function compareNaturally(one: string, other: string): number {
  let i = differenceAt(one, other)
  let j = i
  while (i < one.length && j < other.length) {
    if (isDigit(one, i) && isDigit(other, j)) {
      const [from, until] = number(one, i)
      const [otherFrom, otherUntil] = number(other, j)
      // Without leading zeros, the longer number is larger; for equal lengths, the text decides.
      const difference =
        until - from - (otherUntil - otherFrom) ||
        compareText(one.slice(from, until), other.slice(otherFrom, otherUntil))
      if (difference !== 0) return difference
      i = until
      j = otherUntil
    } else {
      const difference = one.charCodeAt(i) - other.charCodeAt(j)
      if (difference !== 0) return difference
      i++
      j++
    }
  }
  return one.length - i - (other.length - j) || compareText(one, other)
}

/** Where they differ, or where the number begins in which they differ. */
function differenceAt(one: string, other: string): number {
  let at = 0
  while (at < one.length && one.charCodeAt(at) === other.charCodeAt(at)) at++
  while (at > 0 && isDigit(one, at - 1)) at--
  return at
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 48 && code <= 57
}

/** The start of the number at `at`, without leading zeros, and its end. */
function number(text: string, at: number): [number, number] {
  let from = at
  while (text.charCodeAt(from) === 48 && isDigit(text, from + 1)) from++
  let until = from
  while (isDigit(text, until)) until++
  return [from, until]
}

function compareText(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
