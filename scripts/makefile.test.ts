import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'

/** Runs `make install` in a folder with nothing but the Makefile and a lock file, and with an npm of this version. */
function installWith(t: Test, version: string) {
  const directory = t.testdir({ 'package-lock.json': '{}', '.taprc': '', node_modules: {}, bin: {} })
  copyFileSync(join(import.meta.dirname, '..', 'Makefile'), join(directory, 'Makefile'))
  const npm = join(directory, 'bin', 'npm')
  writeFileSync(npm, `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; else echo "npm $*"; fi\n`)
  chmodSync(npm, 0o755)
  mkdirSync(join(directory, 'node_modules', '.bin'))
  const tap = join(directory, 'node_modules', '.bin', 'tap')
  writeFileSync(tap, '#!/bin/sh\n')
  chmodSync(tap, 0o755)
  const env = { PATH: `${join(directory, 'bin')}:/usr/bin:/bin` }
  return spawnSync('make', ['install'], { cwd: directory, env, encoding: 'utf8' })
}

test('make install refuses an npm that cannot read package.json, and says what to do', async (t) => {
  for (const version of ['9.2.0', '9.5.1']) {
    const { status, stdout, stderr } = installWith(t, version)
    t.equal(status, 2, version)
    t.match(stderr, `error: npm ${version}, as of Debian and Ubuntu`)
    t.match(stderr, 'npm install --global npm@11')
    t.notMatch(stdout, 'npm ci', version)
  }
})

test('make install installs with any other npm', async (t) => {
  for (const version of ['9.6.4', '10.8.2', '11.19.1']) {
    const { status, stdout, stderr } = installWith(t, version)
    t.equal(status, 0, stderr)
    t.match(stdout, /^npm ci --loglevel=error$/m, version)
  }
})
