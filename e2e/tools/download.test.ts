/** The server of these tests has the layout of the release pages below their hosts' names, as a mirror has. */
import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { webServer } from '../harness/web-server.ts'
import { downloader } from './download.ts'
import { type ProgramName, programNames, toolsDirectory } from './programs.ts'
import { checksumIn, platformOf, releaseOf } from './releases.ts'

const platform = platformOf(process.platform, process.arch)
const skip = platform === undefined && 'the projects publish no programs for this machine'
const pathOf = (url: string) => url.replace('https:/', '')
const released = (name: ProgramName) => releaseOf(name, platform ?? 'linux-amd64')

interface ReleasePages {
  readonly address: string
  /** By path. Tests change them. */
  readonly files: Map<string, Buffer>
}

/** All programs, each a script that prints its name, and their checksums in each project's own form. */
function publishedFiles(t: Test): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const name of programNames) {
    const { url, member, checksums } = released(name)
    const file = Buffer.from(`#!/bin/sh\necho ${name}\n`)
    const body = member === undefined ? file : archiveOf(t, member, file)
    files.set(pathOf(url), body)
    const hash = sha256(body)
    const asset = url.split('/').at(-1)
    const text: Partial<Record<ProgramName, string>> = {
      etcd: `${'0'.repeat(64)}  other.tar.gz\n${hash}  ${asset}\n`,
      kwok: JSON.stringify({
        assets: [
          { name: 'kwok.yaml', digest: null },
          { name: asset, digest: `sha256:${hash}` },
        ],
      }),
      helm: `${hash}  ${asset}\n`,
      registry: `${hash}\0`,
    }
    files.set(pathOf(checksums), Buffer.from(text[name] ?? hash))
  }
  return files
}

function archiveOf(t: Test, member: string, body: Buffer): Buffer {
  const root = join(t.testdirName, 'archives', member.replaceAll('/', '-'))
  mkdirSync(join(root, member, '..'), { recursive: true })
  writeFileSync(join(root, member), body)
  return execFileSync('tar', ['-czf', '-', '-C', root, member])
}

const sha256 = (body: Buffer) => createHash('sha256').update(body).digest('hex')

async function releasePages(t: Test, answer?: RequestListener): Promise<ReleasePages> {
  t.testdir({ programs: {} })
  const files = publishedFiles(t)
  const pages: RequestListener = (request, response) => {
    const body = files.get(request.url ?? '')
    if (body === undefined) return void response.writeHead(404).end('not found')
    response.writeHead(200, { 'content-length': body.length }).end(body)
  }
  return { address: `http://127.0.0.1:${await webServer(t, answer ?? pages)}`, files }
}

async function download(t: Test, mirror: string, wanted = programNames) {
  const directory = join(t.testdirName, 'programs')
  const said: string[] = []
  const result = await downloader({ CVMANAGER_TOOLS_RELEASES: mirror })?.(wanted, directory, (line) => said.push(line))
  return { ...result, said: said.join('\n'), present: readdirSync(directory), directory }
}

t.test('every program comes from its release page, ready to run', { skip }, async (t) => {
  const { address } = await releasePages(t)
  const { names = [], problems, said, directory } = await download(t, `${address}/`)
  t.same(problems, [])
  t.same([...names].sort(), [...programNames].sort())
  for (const name of programNames) {
    t.equal(execFileSync(join(directory, name), { encoding: 'utf8' }), `${name}\n`)
  }
  t.match(said, /^Downloaded .* in \d+ s, each with its published checksum\.$/)
})

t.test('a program with another checksum than the published one is not kept', { skip }, async (t) => {
  const { address, files } = await releasePages(t)
  files.set(pathOf(released('kubectl').url), Buffer.from('#!/bin/sh\necho something else\n'))
  files.set(pathOf(released('helm').url), archiveOf(t, 'other/helm', Buffer.from('echo something else')))
  const { problems = [], present } = await download(t, address)
  t.notOk(present.includes('kubectl') || present.includes('helm'))
  t.notOk(present.some((name) => name.endsWith('.part')))
  t.match(
    problems.join('\n'),
    /kubectl has the checksum [0-9a-f]{64}, and \S+\/kubectl\.sha256 says [0-9a-f]{64} \(kubectl\)/,
  )
  t.match(problems.join('\n'), /tar\.gz has the checksum .* \(helm\)/)
  t.ok(present.includes('kube-apiserver'), 'the others are')
})

t.test('without a checksum nothing is downloaded', { skip }, async (t) => {
  const { address, files } = await releasePages(t)
  files.delete(pathOf(released('etcd').checksums))
  files.set(pathOf(released('kwok').checksums), Buffer.from('{"message":"API rate limit exceeded"}'))
  files.set(pathOf(released('registry').checksums), Buffer.from('<html>sign in</html>'))
  const { names, problems = [], present } = await download(t, address, ['etcd', 'kwok', 'registry'])
  t.same(names, [])
  t.same(present, [])
  t.match(problems.join('\n'), /SHA256SUMS answers 404 \(etcd\)/)
  t.match(problems.join('\n'), /has no SHA-256 checksum of kwok-linux-\w+ \(kwok\)/)
  t.match(problems.join('\n'), /has no SHA-256 checksum of registry_\S+\.tar\.gz \(registry\)/)
})

t.test('a body that breaks off is not kept', { skip }, async (t) => {
  const { url } = released('kubectl')
  const pages = await releasePages(t, (request, response) => {
    const body = pages.files.get(request.url ?? '') ?? Buffer.from('')
    response.writeHead(200, { 'content-length': body.length })
    if (request.url !== pathOf(url)) return void response.end(body)
    response.write(body.subarray(0, 5), () => response.destroy())
  })
  const { names, problems = [], present } = await download(t, pages.address, ['kubectl', 'kube-scheduler'])
  t.same(names, ['kube-scheduler'])
  t.same(present, ['kube-scheduler'])
  t.match(problems, [/\(kubectl\)$/])
})

t.test('a page that is gone costs that program alone', { skip }, async (t) => {
  const { address, files } = await releasePages(t)
  files.delete(pathOf(released('registry').url))
  const { names = [], problems = [] } = await download(t, address)
  t.equal(names.length, programNames.length - 1)
  t.match(problems, [/registry_\S+\.tar\.gz answers 404 \(registry\)$/])
})

t.test('without a network there is one line for each host, soon', { skip }, async (t) => {
  const { address } = await releasePages(t)
  const closed = address.replace(/:\d+$/, ':9')
  const began = Date.now()
  const { names, problems = [] } = await download(t, closed)
  t.same(names, [])
  t.equal(problems.length, 1)
  t.match(problems[0], `127.0.0.1:9: `)
  for (const name of programNames) t.match(problems[0], name)
  t.ok(Date.now() - began < 20_000)
})

t.test('a page that never answers is waited for at most ten seconds', { skip }, async (t) => {
  const { address } = await releasePages(t, () => undefined)
  const began = Date.now()
  const { problems = [] } = await download(t, address)
  const elapsed = Date.now() - began
  t.ok(elapsed > 9_000 && elapsed < 30_000, `${elapsed} ms`)
  t.match(problems, [/timeout.*\(etcd, /])
})

t.test('nothing is downloaded where the environment says so, or for another system', (t) => {
  t.equal(downloader({ CVMANAGER_TOOLS_RELEASES: 'none' }), undefined)
  t.equal(platformOf('darwin', 'arm64'), undefined)
  t.equal(platformOf('linux', 'riscv64'), undefined)
  t.equal(platformOf('linux', 'arm64'), 'linux-arm64')
  t.end()
})

t.test('a checksum is that of the file, and nothing else is one', (t) => {
  const hash = 'a'.repeat(64)
  t.equal(checksumIn(`${hash}\n`, 'kubectl'), hash)
  t.equal(checksumIn(`${'b'.repeat(64)} *x\n${hash} *y\n`, 'y'), hash)
  for (const text of ['', 'Not Found', `${hash}  other`, `${hash}ff`, '{}', '{"assets":[{"name":"y"}]}']) {
    t.equal(checksumIn(text, 'y'), undefined, text)
  }
  t.end()
})

t.test('make tools takes what is published, and needs no Go for it', { skip }, async (t) => {
  const { address, files } = await releasePages(t)
  const env = {
    CVMANAGER_TOOLS: join(t.testdirName, 'tools'),
    CVMANAGER_TOOLS_RELEASES: address,
    PATH: '/usr/bin:/bin',
  }
  const tools = () =>
    new Promise<string>((resolve) => {
      const build = [join(import.meta.dirname, 'build.ts'), 'demo']
      execFile(process.execPath, build, { env: { ...env, HOME: t.testdirName } }, (_, output, complaint) =>
        resolve(`${output}${complaint}`),
      )
    })
  const { url } = released('kwok')
  const kwok = files.get(pathOf(url)) ?? Buffer.from('')
  files.set(pathOf(url), Buffer.from('cut'))
  const first = await tools()
  t.match(first, /Not downloaded: .*\/kwok-linux-\w+ has the checksum .* \(kwok\)/)
  t.match(first, 'make tools: Go', 'kwok would be built')
  files.set(pathOf(url), kwok)
  const second = await tools()
  t.match(second, /Downloading kwok from/, 'what was there is not downloaded again')
  t.match(second, `Test tools are ready in ${toolsDirectory(env)}`)
  t.match(readFileSync(join(toolsDirectory(env), 'kwok'), 'utf8'), 'echo kwok')
  t.same(readdirSync(env.CVMANAGER_TOOLS).length, 1, 'nothing else is left')
})
