/** Draws lines over the last ones, without flicker: nothing is cleared before it is written anew. */
export class Redraw {
  readonly #print: (text: string) => void
  #height = 0

  constructor(print: (text: string) => void) {
    this.#print = print
  }

  /** @param rows of the terminal: what does not fit is left out, and said */
  draw(lines: readonly string[], rows: number): void {
    const room = Math.max(rows - 1, 1)
    const hidden = lines.length - room
    const shown = hidden > 0 ? [...lines.slice(0, room - 1), `… ${hidden + 1} more lines`] : lines
    const up = this.#height > 0 ? `\u001b[${this.#height}A` : '\u001b[?25l'
    // Each line clears its own rest, and the end what is below.
    this.#print(`${up}\r${shown.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`)
    this.#height = shown.length
  }

  /** Shows the cursor again. */
  end(): void {
    if (this.#height > 0) this.#print('\u001b[?25h')
  }
}
