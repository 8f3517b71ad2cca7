import { join } from 'node:path'
import type { Environment } from './environment.ts'
import { programFolders } from './shell.ts'
import type { Terminal } from './terminal.ts'

export function introduce(terminal: Terminal, own: object | undefined): void {
  terminal.line(terminal.paint('bold', 'cvmanager: from a moved tag to a rolled-out version'))
  if (own) return
  terminal.line()
  terminal.say(
    'The Kubernetes control plane, the registry and cvmanager are real. The pods are not: kwok simulates the',
  )
  terminal.say('node. Pods start, become ready or fail to pull as real pods do, but no container runs.')
}

export function explainNextSteps(terminal: Terminal, environment: Environment): void {
  const rows = [
    ['kubectl get cv -n shop --watch', 'watches the ContainerVersion'],
    ['node e2e/demo.ts push v1.6.0', 'pushes an image as CI does, and moves env-prod to it'],
    ['node e2e/demo.ts push v1.7.0 --broken', 'pushes an image that no node can pull'],
    ['node e2e/demo.ts push v1.1.0', 'moves env-prod back to an image that exists'],
    ['cvmanager cv get', 'shows which version runs where'],
    [`less +F ${join(environment.directory, 'cvmanager.log')}`, 'shows the log of cvmanager'],
  ] as const
  terminal.chapter('9. Your turn')
  terminal.say(
    'The demo runs until you press Ctrl-C here, which removes everything. In another terminal, in this directory:',
  )
  terminal.line()
  terminal.say(terminal.paint('cyan', `export KUBECONFIG=${environment.kubeconfig}`))
  terminal.say(terminal.paint('cyan', `export PATH=${programFolders().join(':')}:$PATH`))
  const width = Math.max(...rows.map(([command]) => command.length)) + 2
  for (const [command, what] of rows) {
    terminal.say(`${terminal.paint('cyan', command.padEnd(width))}${terminal.paint('dim', what)}`)
  }
  terminal.line()
  terminal.say('This terminal shows what happens:')
}
