/** The registry commands as a CI job uses them: with a real registry, by output and exit status. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { account } from '../../../e2e/harness/token-server.ts'
import { quayApiOfMany } from '../../registries/quay/quay.fixture.ts'
import { peer } from '../../registries/testing/peer.ts'
import { callsTo, ci, rows } from '../ci-job.fixture.ts'

t.test('tags can be added, added again, moved and removed', async (t) => {
  const { registry, calls } = await ci(t)
  const one = (await registry.push('shop/web', '1a2b3c4', { multiArch: true })).digest
  const two = (await registry.push('shop/web', 'abcdef0')).digest

  const added = await calls('tags add --repo REPO --version 1a2b3c4 --tags env-prod,env-test --tags env-demo')
  t.same([added.status, added.err], [0, ''])
  t.same(
    rows(added.out),
    ['env-prod', 'env-test', 'env-demo'].map((tag) => `HOST/shop/web | ${tag} | added | ${one}`),
  )
  const got = await calls('tags get --repo REPO --version env-prod')
  t.same([got.status, got.err], [0, ''])
  t.same(rows(got.out), [`HOST/shop/web | ${one} | 1a2b3c4, env-demo, env-prod, env-test`])

  const again = await calls('tags add --repo REPO --version 1a2b3c4 --tags env-prod')
  t.same([again.status, rows(again.out)], [0, [`HOST/shop/web | env-prod | already there | ${one}`]])
  const rehearsed = await calls(`tags add --repo REPO --version ${two} --tags env-prod,new --dry-run`)
  t.same(rows(rehearsed.out), [
    `HOST/shop/web | env-prod | would be moved | ${two} | ${one}`,
    `HOST/shop/web | new | would be added | ${two}`,
  ])
  t.same(
    [await registry.digestOf('shop/web', 'env-prod'), (await registry.tags('shop/web')).includes('new')],
    [one, false],
  )
  const moved = await calls(`tags add --repo REPO --version ${two} --tags env-prod -o json`)
  t.same(JSON.parse(moved.out), {
    dryRun: false,
    changes: [{ repository: 'HOST/shop/web', tag: 'env-prod', result: 'moved', digest: two, was: one }],
    errors: [],
  })

  const removed = await calls('tags remove --repo REPO --tags env-prod,env-test,env-never --version 1a2b3c4')
  t.equal(removed.status, 0)
  t.same(rows(removed.out), [
    `HOST/shop/web | env-prod | left alone | ${two}`,
    `HOST/shop/web | env-test | removed | ${one}`,
    'HOST/shop/web | env-never | not there',
  ])
  t.equal(removed.err, `tag env-prod of HOST/shop/web was left alone: it is on another image, ${two}\n`)
  const rest = await calls('tags remove --repo REPO --tags env-prod,env-prod')
  t.same([rest.status, rows(rest.out)], [0, [`HOST/shop/web | env-prod | removed | ${two}`]])
  t.same((await registry.tags('shop/web')).sort(), ['1a2b3c4', 'abcdef0', 'env-demo'])
})

t.test('several repositories get their tags all together or not at all', async (t) => {
  const { registry, calls } = await ci(t)
  await registry.push('shop/web', 'v1')
  const worker = (await registry.push('shop/worker', 'v2')).digest
  const both = `--repo REPO --repo ${registry.repository('shop/worker')}`
  const lacking = await calls(`tags add ${both} --version v1 --tags env-prod`)
  t.same([lacking.status, lacking.out], [3, ''])
  t.equal(
    lacking.err,
    'error: the registry HOST does not have tag v1 of repository shop/worker (404). Push it, or correct the name.\n',
  )
  t.same(await registry.tags('shop/web'), ['v1'])
  const web = (await registry.push('shop/web', 'v2')).digest
  const done = await calls(`tags add ${both} --version v2 --tags env-prod -o json`)
  t.equal(done.status, 0)
  t.match(JSON.parse(done.out).changes, [{ digest: web }, { repository: 'HOST/shop/worker', digest: worker }])
})

t.test('a pattern finds the newest matching tag, and nothing is guessed', async (t) => {
  const { registry, calls } = await ci(t)
  for (const tag of ['v1.9', 'v1.10', 'v1.9.1', 'abc1234', 'def5678']) await registry.push('shop/web', tag)
  const found = await calls('tags get --repo REPO --version-pattern v[0-9.]+ -o json')
  t.match(JSON.parse(found.out), { images: [{ version: 'v1.10', tags: ['v1.10'] }] })
  const none = await calls('tags get --repo REPO --version-pattern r[0-9]+')
  t.same([none.status, none.out], [3, ''])
  t.match(
    none.err,
    /^error: no tag of repository shop\/web at the registry HOST matches "r\[0-9\]\+"\. .*--version-pattern.*\n$/,
  )
  const commits = await calls('tags add --repo REPO --tags env-prod --version-pattern [0-9a-f]{7}')
  t.equal(commits.status, 1)
  t.match(
    commits.err,
    /^error: 2 tags .* numbers do not tell which is the newest: def5678 or abc1234, .*--version\.\n$/,
  )
  const broken = await calls('tags get --repo REPO --version-pattern v[')
  t.same([broken.status, broken.out], [2, ''])
  t.match(broken.err, /^error: --version-pattern: "v\[" cannot be used: .*\n$/)
})

t.test('a pattern does not find the tag of a signature unless it names it', async (t) => {
  const { registry, calls } = await ci(t)
  await registry.push('shop/web', 'v1')
  const signature = `sha256-${'9'.repeat(64)}.sig`
  await registry.push('shop/web', signature, { artifact: 'signature' })
  const found = async (pattern: string) =>
    JSON.parse((await calls(`tags get --repo REPO --version-pattern ${pattern} -o json`)).out) as object
  t.match(await found('.*'), { images: [{ version: 'v1' }] })
  t.match(await found('sha256-.*'), { images: [{ version: signature }] })
})

t.test('a Docker config that is there and cannot be read is told', async (t) => {
  const { registry, calls } = await ci(t)
  await registry.push('shop/web', 'v1')
  const directory = t.testdir({ 'config.json': t.fixture('symlink', 'config.json') })
  const { status, err } = await calls('tags get --repo REPO --version v1', { DOCKER_CONFIG: directory })
  const file = join(directory, 'config.json')
  t.equal(status, 0)
  t.match(err, `warning: the logins of docker login are not used: cannot read ${file}: ELOOP`)
  t.same((await calls('tags get --repo REPO --version v1', { DOCKER_CONFIG: join(directory, 'none') })).err, '')
})

for (const auth of ['basic', 'token'] as const) {
  t.test(`B50 the password reaches a registry with auth: '${auth}' from every source`, async (t) => {
    const { registry, calls } = await ci(t, { auth })
    const { digest } = await registry.push('shop/web', 'v1')
    const add = 'tags add --repo REPO --version v1 --tags'
    const piped = await calls(`${add} a --username ${account.username} --password-stdin`, {}, `${account.password}\n`)
    t.same([piped.status, piped.err], [0, ''])
    const env = { CVMANAGER_REGISTRY_USERNAME: account.username, CVMANAGER_REGISTRY_PASSWORD: account.password }
    t.equal((await calls(`${add} b`, env)).status, 0)
    const home = t.testdir({ '.docker': { 'config.json': registry.dockerConfig() } })
    t.equal((await calls(`${add} c`, { HOME: home })).status, 0)
    t.equal((await calls(`${add} d`, { DOCKER_CONFIG: join(home, '.docker') })).status, 0)
    t.equal((await calls('tags remove --repo REPO --tags v1', env)).status, 0)
    for (const tag of ['a', 'b', 'c', 'd']) t.equal(await registry.digestOf('shop/web', tag), digest, tag)

    const anonymous = await calls(`${add} e`)
    t.same([anonymous.status, anonymous.out], [1, ''])
    t.match(
      anonymous.err,
      /^error: .*HOST refused anonymous access to repository shop\/web \(401, asked for tag v1\)\. Give credentials by --username and --password-stdin, or by docker login HOST\.\n$/,
    )
    const wrong = await calls(`${add} e --username ci --password-stdin`, {}, 'hunter2')
    t.same([wrong.status, wrong.out], [1, ''])
    t.match(wrong.err, /^error: .*HOST refused the credentials for repository shop\/web .*\n$/)
    t.notMatch(wrong.err, 'hunter2')
  })
}

t.test('if a registry cannot remove a tag, that is reported and the tag stays', async (t) => {
  const { registry, calls } = await ci(t, { deletion: false })
  await registry.push('shop/web', ['v1', 'env-prod'])
  const rehearsed = await calls('tags remove --repo REPO --tags env-prod --dry-run')
  t.same([rehearsed.status, rehearsed.err], [0, ''])
  t.match(rows(rehearsed.out), [/env-prod \| would be removed, if the registry allows deletion \| sha256:/])
  const machine = await calls('tags remove --repo REPO --tags env-prod --dry-run -o json')
  t.match(JSON.parse(machine.out).changes, [{ result: 'removed', onlyIf: 'the registry allows deletion' }])
  const refused = await calls('tags remove --repo REPO --tags env-prod,env-never')
  t.equal(refused.status, 1)
  t.match(rows(refused.out), [/env-prod \| failed/, /env-never \| not there/])
  t.match(
    refused.err,
    /^error: the registry HOST cannot remove a tag without its image \(405 .*nothing was removed\. .*\n$/,
  )
  t.same((await registry.tags('shop/web')).sort(), ['env-prod', 'v1'])
})

t.test('a failure is reported in one line, and the exit status tells its kind', async (t) => {
  const { registry, calls } = await ci(t)
  await registry.push('shop/web', 'v1')
  const nothing = `sha256:${'0'.repeat(64)}`
  const cases: readonly (readonly [string, 1 | 3, RegExp])[] = [
    ['tags get --repo REPO --version v9', 3, /does not have tag v9 of repository shop\/web \(404\)/],
    [`tags get --repo REPO --version ${nothing}`, 3, /does not have image sha256:0+ of repository shop\/web/],
    [`tags add --repo REPO --version ${nothing} --tags x`, 3, /does not have image sha256:0+/],
    ['tags get --repo REPO/typo --version v1', 3, /does not have tag v1 of repository shop\/web\/typo/],
    ['tags remove --repo REPO/typo --tags v1', 3, /there is no repository shop\/web\/typo at the registry HOST/],
    ['tags remove --repo REPO --tags x --version v9', 3, /does not have tag v9/],
    ['resolve REPO:v9', 3, /does not have tag v9/],
    ['tags get --repo localhost:1/shop/web --version v1', 1, /localhost:1 (?:cannot be reached|is not asked)/],
  ]
  for (const [command, status, message] of cases) {
    const ended = await calls(command)
    t.equal(ended.status, status, command)
    t.match(ended.err, message, command)
    t.match(ended.err, /^error: [^\n]+\n$/, `${command}: one line`)
    t.equal(ended.out, '', command)
  }
  const hosts = `tags add --repo REPO --repo other.example.com/x --version v1 --tags a --username ci --password-stdin`
  const spread = await calls(hosts, {}, 'hunter2')
  t.equal(spread.status, 2)
  t.match(
    spread.err,
    /^error: --username: one password is for one registry, and these are HOST and other\.example\.com\n$/,
  )
  t.same(await registry.tags('shop/web'), ['v1'])
})

t.test('an unreadable Docker config file is named but never quoted', async (t) => {
  const { calls } = await ci(t)
  const home = t.testdir({ '.docker': {} })
  writeFileSync(join(home, '.docker', 'config.json'), '{"auths": s3cret')
  const { status, err } = await calls('tags get --repo REPO --version v1', { HOME: home })
  t.equal(status, 1)
  t.match(err, /^error: the file .*\/\.docker\/config\.json is not valid JSON.*\n$/)
  t.notMatch(err, 's3cret')
})

t.test('the program itself has the same output and exit statuses', async (t) => {
  const { registry, runs } = await ci(t, { auth: 'token' })
  await registry.push('shop/web', 'v1')
  const login = `--username ${account.username} --password-stdin`
  const cases: readonly (readonly [string, 0 | 1 | 2 | 3, RegExp, RegExp])[] = [
    [`tags add --repo REPO --version v1 --tags env-prod ${login}`, 0, /env-prod +added/, /^$/],
    [`tags add --repo REPO --version v1 --tags env-prod ${login}`, 0, /env-prod +already there/, /^$/],
    [`tags get --repo REPO --version env-prod ${login}`, 0, /env-prod, v1\n$/, /^$/],
    [`tags remove --repo REPO --tags env-prod ${login}`, 0, /env-prod +removed/, /^$/],
    ['tags get --repo REPO --version v1', 1, /^$/, /^error: [^\n]+refused anonymous access[^\n]+\n$/],
    ['tags get --repo REPO', 2, /^$/, /^error: --version: [^\n]+\n$/],
    [`tags get --repo REPO --version v9 ${login}`, 3, /^$/, /^error: [^\n]+does not have tag v9[^\n]+\n$/],
  ]
  for (const [command, status, out, err] of cases) {
    const ended = await runs(command, {}, `${account.password}\n`)
    t.equal(ended.status, status, command)
    t.match(ended.out, out, command)
    t.match(ended.err, err, command)
  }
})

t.test('a registry that lists only the latest of many tags: the output says that there may be more', async (t) => {
  const { registry } = await ci(t)
  const { digest } = await registry.push('shop/web', ['v1', 'env-prod'])
  const quay = await peer(t, (request, response) => {
    const own = quayApiOfMany(new URL(request.url ?? '/', 'http://quay'))
    if (own === undefined) response.writeHead(307, { location: `http://${registry.host}${request.url}` }).end()
    else response.writeHead(own.status).end(JSON.stringify(own.body))
  })
  const insecure = [quay.host, registry.host].flatMap((host) => ['--insecure-registry', host])
  const { calls } = callsTo(t, quay.host, ['--provider', 'quay', ...insecure])

  const got = await calls('tags get --repo REPO --version env-prod')
  t.same([got.status, rows(got.out)], [0, [`HOST/shop/web | ${digest} | <none>`]])
  t.match(
    got.err,
    'HOST/shop/web has so many tags that only those pushed last were read: older ones may be on the image',
  )
  const { out } = await calls('tags get --repo REPO --version env-prod -o json')
  t.match(JSON.parse(out), { images: [{ tags: [], tagsComplete: false }] })

  const resolved = await calls('resolve REPO:env-prod --version-syntax v[0-9]+')
  t.match(resolved.out, /Version +v1 \(alias\)\n/)
  t.match(resolved.out, /Aliases +<none>, and perhaps more\n/)
  await registry.push('shop/web', 'nightly-99')
  const chosen = await calls('resolve REPO --policy newest --filter nightly-.*')
  t.match(chosen.out, 'the repository has more tags than are read; those pushed last are 10000 tags')
})
