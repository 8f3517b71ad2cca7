import { test } from 'tap'
import { commandTree } from '../program.ts'
import { candidatesFor, type Place } from './candidates.ts'
import { commandsOf, type Named } from './tree.ts'

const commands = commandsOf(commandTree())

/** The words that are offered for a line with the cursor at its end, and what the cluster was asked for. */
async function offers(line: string) {
  const asked: (Partial<Place> & { named: Named })[] = []
  const { candidates, areFiles } = await candidatesFor(commands, line.split(' '), async (named, place) => {
    asked.push({ named, ...place })
    return { objects: ['web', 'worker'], namespaces: ['shop', 'blog'], contexts: ['staging'] }[named]
  })
  return { words: candidates.map(({ word }) => word), areFiles, asked }
}

test('commands and flags are offered without the cluster', async (t) => {
  t.match(await offers('cv '), { words: ['get', 'status', 'wait', 'reconcile'], asked: [] })
  t.match(await offers('cv status --wa'), { words: ['--watch'], asked: [] })
  t.match(await offers('cv get -o '), { words: ['table', 'wide', 'json', 'yaml'], asked: [] })
  t.match(await offers('completion z'), { words: ['zsh'], asked: [] })
  t.match(await offers('run --kubeconfig '), { words: [], areFiles: true, asked: [] })
  t.match(await offers('cv wait --timeout '), { words: [], areFiles: false, asked: [] })
  t.match(await offers('nonsense '), { asked: [] })
})

test('a name is asked for in the namespace, the context and the kubeconfig of the line', async (t) => {
  t.match(await offers('cv status w'), {
    words: ['web', 'worker'],
    asked: [{ named: 'objects', namespace: undefined }],
  })
  t.match(await offers('cv status -n shop --context staging --kubeconfig /k we'), {
    words: ['web'],
    asked: [{ named: 'objects', namespace: 'shop', context: 'staging', kubeconfig: '/k' }],
  })
  t.match(await offers('cr sync --namespace=shop --cv '), { words: ['web', 'worker'], asked: [{ namespace: 'shop' }] })
  t.match(await offers('cv get -n s'), { words: ['shop'], asked: [{ named: 'namespaces' }] })
  t.match(await offers('cv get --context '), { words: ['staging'], asked: [{ named: 'contexts', context: undefined }] })
})

test('after its name, a command takes no second one', async (t) => {
  t.match(await offers('cv status web '), { words: [], asked: [] })
  t.match(await offers('cv status -n shop web '), { words: [], asked: [] })
  t.match(await offers('cv status --watch '), { words: ['web', 'worker'] }, 'a switch has no value')
})

test('bash makes three words of --output=json', async (t) => {
  t.match(await offers('cv get --output = j'), { words: ['json'] })
  t.match(await offers('cv get --output ='), { words: ['table', 'wide', 'json', 'yaml'] })
  t.match(await offers('cv get --namespace = b'), { words: ['blog'] })
})
