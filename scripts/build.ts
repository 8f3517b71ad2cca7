/** `make build`: bundles cvmanager into one JavaScript file for Node 24, and lists the packages in it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { leaveOut } from './left-out.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** More than this is more than anybody looks through when a vulnerability is announced. */
export const mostPackages = 90

export interface Built {
  readonly file: string
  /** `name version license`, sorted. */
  readonly packages: readonly string[]
}

export async function buildInto(directory: string): Promise<Built> {
  const { version } = manifest(root)
  const file = join(directory, 'cvmanager.js')
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['operator/main.ts'],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    sourcemap: true,
    sourcesContent: false,
    plugins: [leaveOut],
    // Errors and stacks show the names.
    minify: true,
    keepNames: true,
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
    // CommonJS dependencies use these, which an ES module does not have.
    banner: {
      js: `import { createRequire as __createRequire } from 'node:module'
const require = __createRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname`,
    },
    define: { CVMANAGER_BUILD: JSON.stringify({ version, commit: commit() }) },
  })
  const packages = packagesOf(metafile)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'packages.txt'), `${packages.join('\n')}\n`)
  return { file, packages }
}

/** Those of which any byte is in the output. */
function packagesOf({ outputs }: Metafile): readonly string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs))
  const directories = inputs.flatMap(([path, { bytesInOutput }]) => {
    const directory = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]
    return directory && bytesInOutput > 0 ? [directory] : []
  })
  const described = [...new Set(directories)].map((directory) => {
    const { name, version, license } = manifest(join(root, directory))
    return `${name} ${version} ${license ?? 'unknown'}`
  })
  return [...new Set(described)].sort()
}

function manifest(directory: string): { readonly name: string; readonly version: string; readonly license?: string } {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
}

/** Without git, as in the build of an image, the environment may name the commit. */
function commit(): string {
  if (process.env.CVMANAGER_COMMIT) return process.env.CVMANAGER_COMMIT
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '-dirty'}`
  } catch {
    return 'unknown'
  }
}

if (import.meta.main) {
  const { packages } = await buildInto(join(root, 'dist'))
  process.stdout.write(`dist/cvmanager.js: ${packages.length} packages (dist/packages.txt; at most ${mostPackages})\n`)
  if (packages.length > mostPackages) {
    process.stderr.write(
      `error: ${packages.length} packages are in the bundle, at most ${mostPackages} may be; use fewer\n`,
    )
    process.exitCode = 1
  }
}
