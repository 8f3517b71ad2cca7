/** `kubectl cv`: the same program under the name that kubectl looks for. */
import { test } from 'tap'
import { runCli } from './run-cli.fixture.ts'

const program = 'kubectl cv'

test('the plugin has the commands of cvmanager cv, and speaks as kubectl cv', async (t) => {
  const { status, requests } = await runCli('reconcile web -n shop', { program })
  t.equal(status, 0)
  t.match(requests, [{ namespace: 'shop', name: 'web' }])
  const { out } = await runCli('', { program })
  t.match(out, /^Usage: kubectl cv <command>/)
  t.notMatch(out, /cvmanager cv|\brun\b.*Run the controller/)
  t.match(
    (await runCli('help wait', { program })).out,
    /^Usage: kubectl cv wait \[flags\] <NAME>[\s\S]*\n {2}kubectl cv wait web/,
  )
})

test('its errors say what to write as kubectl cv', async (t) => {
  t.match(await runCli('statsu', { program }), {
    status: 2,
    err: 'error: kubectl cv statsu: there is no such command; did you mean kubectl cv status?',
  })
  t.match(await runCli('run', { program }), { status: 2, err: /kubectl cv run: there is no such command/ })
  t.match(await runCli('status', { program }), { status: 2, err: 'write kubectl cv status <NAME>' })
})

test('kubectl gets what may follow with descriptions, and whether files may', async (t) => {
  t.equal((await runCli(['complete', '--for-kubectl', '--', 'rec'], { program })).out.split('\t')[0], 'reconcile')
  t.match(
    (await runCli(['complete', '--for-kubectl', '--', 'wait', '-o', ''], { program })).out,
    'text\njson\nyaml\n:4\n',
  )
  t.equal((await runCli(['complete', '--for-kubectl', '--', 'wait', '--kubeconfig', ''], { program })).out, ':0\n')
  t.equal((await runCli(['complete', '--', 'cv', 'sta'])).out, 'status\n', 'a script gets words alone')
})

test('what may follow is quiet where the cluster cannot be asked', async (t) => {
  const failure = new Error('the API server does not answer')
  t.match(await runCli(['complete', '--', 'cv', 'status', ''], { failure }), { status: 0, out: '', err: '' })
  const bad = ['complete', '--', 'cv', 'status', '-n', 'shop', '--bogus', '--', '']
  t.match(await runCli(bad, { failure, env: { CVMANAGER_K8S_CONFIG: '/nowhere' } }), { status: 0, err: '' })
})
