const maxListed = 5

/** `1.2, 1.1, 1.0`, shortened if there are many. */
export const listed = (tags: readonly string[]): string =>
  `${tags.slice(0, maxListed).join(', ')}${tags.length > maxListed ? ', …' : ''}`

/** `1 tag`, `2 tags`. */
export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${count} ${count === 1 ? one : several}`
