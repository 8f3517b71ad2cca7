import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { UsageError } from '../../errors.ts'
import type { ReceiverDeps } from './receivers/receiver.ts'
import { receiverKinds } from './receivers/receivers.ts'
import { bearer, secret, secretsFolder, webhookServer } from './receivers/webhook-server.fixture.ts'
import { readSecretFiles } from './secret-files.ts'

const deps: ReceiverDeps = { googleTokens: { isValid: async () => false }, now: () => 0 }
const read = (folder: string, wanted: readonly string[] = []) => readSecretFiles(folder, wanted, receiverKinds, deps)

t.test('each file of the folder makes a receiver; the files of Kubernetes itself do not', async (t) => {
  const folder = await secretsFolder(t, { quay: secret, harbor: `${secret}\n`, '..data': 'x', '..2026_03_01': 'x' })
  t.same([...(await read(folder)).keys()], ['quay', 'harbor'])
  t.same([...(await read(folder, ['harbor'])).keys()], ['harbor'])
})

t.test('S1 there is no receiver without a secret: the error names the setting and what to do', async (t) => {
  const refused = async (message: RegExp, folder: string, wanted: readonly string[] = []) => {
    const thrown = await read(folder, wanted).catch((error: unknown) => error)
    t.ok(thrown instanceof UsageError)
    t.match((thrown as Error).message, message)
    t.notMatch((thrown as Error).message, 'short')
  }
  await refused(/^--webhook-secrets-dir is missing/, '')
  await refused(/^--webhook-secrets-dir \/nowhere: cannot read the folder/, '/nowhere')
  await refused(/the folder has no secret file; name one .*quay/, await secretsFolder(t, {}))
  await refused(/^--webhook ghcr: there is no secret file ghcr/, await secretsFolder(t, { quay: secret }), ['ghcr'])
  await refused(/habor is not a kind of webhook; did you mean harbor\?/, await secretsFolder(t, { habor: secret }))
  await refused(/cannot use the secret file .*quay: it is empty/, await secretsFolder(t, { quay: '\n \n' }))
  await refused(
    /cannot use the secret file .*ghcr: line 1 has fewer than 16/,
    await secretsFolder(t, { ghcr: 'short' }),
  )
  await refused(
    /cannot use the secret file .*quay: line 2 has fewer than 16/,
    await secretsFolder(t, { quay: `${secret}\nshort` }),
  )
  await refused(/more than 1024/, await secretsFolder(t, { quay: 'x'.repeat(2000) }))
  await refused(/more than 16384 bytes/, await secretsFolder(t, { quay: `${secret}\n`.repeat(2000) }))
  await refused(/cannot use the secret file .*gar: it must have the two lines/, await secretsFolder(t, { gar: secret }))
  await refused(/cannot use the secret file .*gar:/, await secretsFolder(t, { gar: 'audience: x\nemail: nobody\n' }))
  await refused(/cannot use the secret file .*gar:/, await secretsFolder(t, { gar: '{[' }))
})

t.test('within ten seconds a changed secret is valid, and a deleted one is refused', async (t) => {
  const clock = { now: 0 }
  const { send, folder, lines } = await webhookServer(t, 'distribution', { clock })
  const old = { events: [] }
  t.equal((await send(old, bearer)).status, 202)
  await writeFile(join(folder, 'distribution'), 'another-secret-of-length')
  t.equal((await send(old, bearer)).status, 202)
  clock.now += 10_001
  t.equal((await send(old, bearer)).status, 401)
  t.equal((await send(old, { headers: { authorization: 'Bearer another-secret-of-length' } })).status, 202)
  await rm(join(folder, 'distribution'))
  clock.now += 10_001
  t.equal((await send(old, { headers: { authorization: 'Bearer another-secret-of-length' } })).status, 503)
  t.match(lines.join(), 'ENOENT')
  await writeFile(join(folder, 'distribution'), secret)
  t.equal((await send(old, bearer)).status, 202)
})
