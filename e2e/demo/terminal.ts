import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** Prints lines, and on a terminal a last line that shows progress. Prints no colours without a terminal. */
export class Terminal {
  readonly #stream: NodeJS.WriteStream
  #frame = 0
  #progressShown = false

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  paint(style: Style, text: string): string {
    // Respects NO_COLOR too.
    return styleText(style, text, { stream: this.#stream })
  }

  line(text = ''): void {
    this.#clear()
    this.#stream.write(`${text}\n`)
  }

  chapter(title: string): void {
    this.line(`\n${this.paint('bold', title)}`)
  }

  /** Prints text for the reader. */
  say(text: string): void {
    for (const line of text.split('\n')) this.line(`  ${line}`)
  }

  done(text: string): void {
    this.line(`  ${this.paint('green', '✔')} ${text}`)
  }

  failed(text: string): void {
    this.line(`${this.paint('red', '✘')} ${text}`)
  }

  command(command: string): void {
    this.line(`\n${this.paint('cyan', '$')} ${this.paint('bold', command)}`)
  }

  /** Replaces the progress line. Prints nothing without a terminal. */
  progress(text: string): void {
    if (!this.#stream.isTTY) return
    this.#clear()
    this.#frame = (this.#frame + 1) % spinner.length
    const shown = `  ${spinner[this.#frame]} ${text}`.slice(0, this.#stream.columns - 1)
    this.#stream.write(this.paint('dim', shown))
    this.#progressShown = true
  }

  clearProgress(): void {
    this.#clear()
  }

  #clear(): void {
    if (this.#progressShown) this.#stream.write('\r\u001b[2K')
    this.#progressShown = false
  }
}
