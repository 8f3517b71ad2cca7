import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** What the audience sees: lines that stay, and on a terminal one last line that lives. No colours without a terminal. */
export class Terminal {
  readonly #stream: NodeJS.WriteStream
  #turn = 0
  #living = false

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  paint(style: Style, text: string): string {
    // Heeds NO_COLOR too.
    return styleText(style, text, { stream: this.#stream })
  }

  line(text = ''): void {
    this.#clear()
    this.#stream.write(`${text}\n`)
  }

  chapter(title: string): void {
    this.line(`\n${this.paint('bold', title)}`)
  }

  /** A sentence or two for the audience. */
  say(text: string): void {
    for (const line of text.split('\n')) this.line(`  ${line}`)
  }

  done(text: string): void {
    this.line(`  ${this.paint('green', '✔')} ${text}`)
  }

  failed(text: string): void {
    this.line(`${this.paint('red', '✘')} ${text}`)
  }

  typed(command: string): void {
    this.line(`\n${this.paint('cyan', '$')} ${this.paint('bold', command)}`)
  }

  /** The line that lives; nothing where there is no terminal. */
  waiting(text: string): void {
    if (!this.#stream.isTTY) return
    this.#clear()
    this.#turn = (this.#turn + 1) % spinner.length
    const shown = `  ${spinner[this.#turn]} ${text}`.slice(0, this.#stream.columns - 1)
    this.#stream.write(this.paint('dim', shown))
    this.#living = true
  }

  still(): void {
    this.#clear()
  }

  #clear(): void {
    if (this.#living) this.#stream.write('\r\u001b[2K')
    this.#living = false
  }
}
