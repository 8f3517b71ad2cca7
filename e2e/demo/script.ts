import { join } from 'node:path'
import { programFolders } from './shell.ts'
import type { Stage } from './stage.ts'
import type { Terminal } from './terminal.ts'

export function introduce(terminal: Terminal, own: object | undefined): void {
  terminal.line(terminal.paint('bold', 'cvmanager: from a moved tag to a rolled-out version'))
  if (own) return
  terminal.line()
  terminal.say('The Kubernetes control plane, the registry and cvmanager are real. The pods are not: kwok plays the')
  terminal.say('node, so that they start, become ready or fail to pull as real ones do, but no container runs.')
}

export function explainStay(terminal: Terminal, stage: Stage): void {
  const rows = [
    ['kubectl get cv -n shop --watch', 'watches it'],
    ['node e2e/demo.ts push v1.4.0', 'CI pushes an image and moves env-prod onto it'],
    ['node e2e/demo.ts push v1.5.0 --broken', 'one that no node can pull'],
    ['node e2e/demo.ts push v1.1.0', 'is there already: the tag alone moves'],
    ['cvmanager cv get --k8s-config $KUBECONFIG', 'which version runs where'],
    [`less +F ${join(stage.directory, 'cvmanager.log')}`, 'what cvmanager says'],
  ] as const
  terminal.chapter('7. Your turn')
  terminal.say(
    'It stays up until you press Ctrl-C here, which removes all of it. In another terminal, in this directory:',
  )
  terminal.line()
  terminal.say(terminal.paint('cyan', `export KUBECONFIG=${stage.kubeconfig}`))
  terminal.say(terminal.paint('cyan', `export PATH=${programFolders().join(':')}:$PATH`))
  const width = Math.max(...rows.map(([command]) => command.length)) + 2
  for (const [command, what] of rows) {
    terminal.say(`${terminal.paint('cyan', command.padEnd(width))}${terminal.paint('dim', what)}`)
  }
  terminal.line()
  terminal.say('What happens is shown here:')
}
