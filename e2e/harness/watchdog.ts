import { type ChildProcess, spawn } from 'node:child_process'

/**
 * A small shell that reads from a pipe. Only this process holds the other end, so the pipe closes however this process ends:
 * by a return, an uncaught error, Ctrl-C or SIGKILL. The shell then kills every process group on its list and removes every
 * directory. It ignores the signals that a terminal sends to a whole group.
 */
const SCRIPT = `
trap '' HUP INT TERM
groups=' '
dirs=''
while IFS=' ' read -r verb value; do
  case "$verb" in
    group) groups="$groups$value " ;;
    ended) case "$groups" in *" $value "*) groups="\${groups%% $value *} \${groups#* $value }" ;; esac ;;
    dir) dirs="$dirs$value
" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
printf '%s' "$dirs" | while IFS= read -r dir; do
  for again in 1 2 3; do rm -rf -- "$dir" 2>/dev/null && break; sleep 0.2; done
done
`

let watchdog: ChildProcess | undefined

function send(line: string): void {
  watchdog ??= start()
  watchdog.stdin?.write(`${line}\n`)
}

function start(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  // Neither the shell nor its pipe keeps this process alive.
  child.unref()
  const pipe = child.stdin as unknown as { unref?: () => void; on: (event: 'error', listener: () => void) => void }
  pipe.unref?.()
  pipe.on('error', () => undefined)
  return child
}

/** Kills this process group when this process ends. */
export const watchGroup = (pid: number): void => send(`group ${pid}`)

/** Takes a group that has ended off the list, because another group may get its number. */
export const forgetGroup = (pid: number): void => send(`ended ${pid}`)

/** Removes this directory, or file, when this process ends. */
export const watchDirectory = (path: string): void => send(`dir ${path}`)
