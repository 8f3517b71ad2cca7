/** For tests: what users of other clients have reported about registries. Each is a registry that is odd in one respect. */
import { gzipSync } from 'node:zlib'
import { basic } from '../oci/auth/token-request.ts'
import type { Credentials } from '../registry.ts'
import { type Asked, image, json, listed, missing, ordinary, type Reply, without } from './odd-registry.fixture.ts'

export const login = { kind: 'basic', username: 'ann', password: 'hunter2' } as const satisfies Credentials

export interface Oddity {
  readonly name: string
  /** Where it was reported. */
  readonly report: string
  readonly credentials?: Credentials
  /** Default: the two of the ordinary registry. */
  readonly tags?: readonly string[]
  /** @param host of the registry itself */
  answer(asked: Asked, host: string): Reply
  /** The most requests that a second poll of the tag takes. Default: 1. */
  readonly polls?: number
  /** The most token requests for everything. Default: 1. */
  readonly tokens?: number
}

const isManifest = ({ path }: Asked): boolean => path.includes('/manifests/')
const isList = ({ path }: Asked): boolean => path.endsWith('/tags/list')

const headAnswered = (status: number, report: string): Oddity => ({
  name: `HEAD is answered with ${status}`,
  report,
  answer: (asked) => (asked.method === 'HEAD' ? { status } : ordinary(asked)),
})

/** A list of two pages. @param link to the second one, as the registry writes it */
const linked = (name: string, report: string, link: (host: string) => string | readonly string[]): Oddity => ({
  name,
  report,
  answer: (asked, host) => {
    if (!isList(asked)) return ordinary(asked)
    return asked.query.has('last') ? json({ tags: ['env-prod'] }) : json({ tags: ['1.0'] }, { link: link(host) })
  },
})

/** Needs a token. @param challenge its header; `REALM` is the address of its token service */
function guarded(challenge: string, token: object = { token: 'good' }): Oddity['answer'] {
  return (asked, host) => {
    if (asked.path === '/token') return json(token)
    if (asked.headers.authorization === 'Bearer good') return ordinary(asked)
    return { status: 401, headers: { 'www-authenticate': challenge.replace('REALM', `http://${host}/token`) } }
  }
}

/** Hides everything from strangers. */
const hiding = (status: number, report: string): Oddity => ({
  name: `a stranger gets ${status} without a challenge, and only /v2/ has one`,
  report,
  credentials: login,
  answer: (asked) => {
    if (asked.headers.authorization === basic(login)) return ordinary(asked)
    return asked.path === '/v2/' ? { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } } : { status }
  },
})

const thousand = Array.from({ length: 1000 }, (_, at) => `b${at}`)
const after = ({ query }: Asked, tags: readonly string[]): readonly string[] => {
  const last = query.get('last')
  return last === null ? tags : tags.slice(tags.indexOf(last) + 1)
}

export const oddities: readonly Oddity[] = [
  headAnswered(405, 'distribution/distribution#1485'),
  headAnswered(404, 'nicholas-fedor/watchtower#669'),
  headAnswered(403, 'containerd/containerd#6684'),
  // These two do not name the status.
  headAnswered(400, 'crossplane/crossplane#3223'),
  headAnswered(501, 'carvel-dev/imgpkg#131'),
  {
    name: 'HEAD has no Docker-Content-Digest',
    report: 'google/go-containerregistry#971',
    answer: (asked) => (asked.method === 'HEAD' ? without(ordinary(asked), 'docker-content-digest') : ordinary(asked)),
  },
  {
    name: 'nothing has a Docker-Content-Digest or an entity tag',
    report: 'crazy-max/diun#594',
    answer: (asked) => without(ordinary({ ...asked, headers: {} }), 'docker-content-digest', 'etag'),
  },
  {
    name: 'manifests are application/json',
    report: 'containerd/cri#787',
    answer: (asked) => {
      const reply = ordinary(asked)
      return isManifest(asked) ? { ...reply, headers: { ...reply.headers, 'content-type': 'application/json' } } : reply
    },
  },
  {
    name: 'a storage service sends manifests as text/plain',
    report: 'containers/image#58',
    answer: (asked) => {
      const reply = ordinary(asked)
      return isManifest(asked) ? { ...reply, headers: { ...reply.headers, 'content-type': 'text/plain' } } : reply
    },
  },
  {
    name: 'a proxy compresses what nobody wants compressed',
    report: 'quay/quay#1310',
    answer: (asked) => {
      const { body = '', ...reply } = ordinary(asked)
      const isWhole = asked.method === 'GET' && reply.status === 200
      return isWhole
        ? { ...reply, headers: { ...reply.headers, 'content-encoding': 'gzip' }, body: gzipSync(body) }
        : reply
    },
  },
  {
    name: 'a proxy says that an answer is compressed, and it is not',
    report: 'docker-archive/docker-registry#369',
    answer: (asked) => {
      const reply = ordinary(asked)
      return { ...reply, headers: { ...reply.headers, 'content-encoding': 'gzip' } }
    },
  },
  {
    name: 'an entity tag is weak, and 304 has no digest',
    report: 'distribution/distribution#3792',
    answer: (asked) => {
      const isKnown = asked.headers['if-none-match'] === `"${image.digest}"`
      return isManifest(asked) && isKnown ? { status: 304, headers: { etag: `W/"${image.digest}"` } } : ordinary(asked)
    },
  },
  linked('a link has the path of the repository manager', 'sonatype/nexus-public#1011', (host) => {
    return `<http://${host}/repository/hub/v2/shop/web/tags/list?n=1000&last=1.0>; rel="next"`
  }),
  linked('a link leaves out the port', 'fluxcd/image-reflector-controller#343', (host) => {
    return `<http://${host.replace(/:\d+$/, '')}/v2/shop/web/tags/list?n=1000&last=1.0>; rel="next"`
  }),
  linked("a link has the upstream registry's host", 'git-pkgs/proxy#280', () => {
    return '<https://registry-1.docker.io/v2/library/web/tags/list?n=1000&last=1.0>; rel="next"'
  }),
  linked('a link is relative', 'oras-project/artifacts-spec#93', () => '<list?last=1.0>; rel="next"'),
  linked('a link is a query only', 'oras-project/artifacts-spec#93', () => '<?last=1.0&n=1000>;rel=next'),
  linked('a link has other relations and parameters', 'renovatebot/renovate#10093', () => {
    return '</first>; rel="first", </v2/shop/web/tags/list?last=1.0>; title="a; rel=last, b"; REL="prev next"; x=y'
  }),
  linked('there are several headers', 'renovatebot/renovate#10093', () => [
    '</first>; rel="first"',
    '<?last=1.0>; rel="next"',
  ]),
  linked('a link has no cursor', 'renovatebot/renovate#15030', () => '</v2/shop/web/tags/list>; rel="next"'),
  {
    name: 'the last page links to itself',
    report: 'renovatebot/renovate#15080',
    answer: (asked) =>
      isList(asked) ? json({ tags: listed }, { link: '<?n=1000&last=10000>; rel="next"' }) : ordinary(asked),
  },
  {
    name: 'each link grows, and its first cursor counts',
    report: 'renovatebot/renovate#35917',
    tags: ['a', 'b', 'c'],
    answer: (asked) => {
      if (!isList(asked)) return ordinary(asked)
      const tags = after(asked, ['a', 'b', 'c']).slice(0, 1)
      const link = `<?${asked.query}&last=${tags.at(-1)}>; rel="next"`
      return json({ tags }, tags.length === 0 ? {} : { link })
    },
  },
  {
    name: 'a full page has no link',
    report: 'sonatype/nexus-public#117',
    tags: [...thousand, 'v1'],
    answer: (asked) =>
      isList(asked) ? json({ tags: after(asked, [...thousand, 'v1']).slice(0, 1000) }) : ordinary(asked),
  },
  {
    name: 'a list of exactly a thousand tags ignores the cursor',
    report: 'fluxcd/image-reflector-controller#142',
    tags: thousand,
    answer: (asked) => (isList(asked) ? json({ tags: thousand }) : ordinary(asked)),
  },
  {
    name: 'a list of exactly a thousand tags refuses the cursor',
    report: 'fluxcd/image-reflector-controller#142',
    tags: thousand,
    answer: (asked) => {
      if (!isList(asked)) return ordinary(asked)
      return asked.query.has('last') ? missing : json({ tags: thousand })
    },
  },
  {
    name: 'a stranger gets 403 with a challenge',
    report: 'rust-lang/cargo#12446',
    credentials: login,
    answer: (asked) => {
      if (asked.headers.authorization === basic(login)) return ordinary(asked)
      return { status: 403, headers: { 'www-authenticate': 'Basic realm="x"' } }
    },
  },
  {
    name: 'a page of a thousand tags is refused',
    report: 'google/go-containerregistry#1963',
    answer: (asked) =>
      isList(asked) && Number(asked.query.get('n')) > 100
        ? { ...missing, status: 413, body: '{"errors":[{"code":"TOO_MANY_TAGS_REQUESTED"}]}' }
        : ordinary(asked),
  },
  {
    name: 'a list has duplicates, and names that are no tags',
    report: 'fluxcd/flux#2516',
    answer: (asked) => (isList(asked) ? json({ tags: ['1.0', '1.0', null, 7, 'a b', 'env-prod'] }) : ordinary(asked)),
  },
  {
    name: 'a repository without tags has null',
    report: 'distribution/distribution#1186',
    tags: [],
    answer: (asked) => (isList(asked) ? json({ name: 'shop/web', tags: null }) : ordinary(asked)),
  },
  hiding(404, 'distribution/distribution#1984'),
  hiding(403, 'rust-lang/cargo#12446'),
  hiding(401, 'containers/image#2754'),
  {
    name: '/v2/ is open, and the repository is not',
    report: 'podman-container-tools/skopeo#2502',
    credentials: login,
    answer: (asked) => {
      if (asked.path === '/v2/' || asked.headers.authorization === basic(login)) return ordinary(asked)
      return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
    },
  },
  {
    name: 'the challenge of /v2/ names a scope of its own',
    report: 'openai/tart#643',
    credentials: login,
    answer: (asked, host) => {
      if (asked.path === '/token') return json({ token: asked.query.get('scope') })
      if (asked.headers.authorization === 'Bearer repository:shop/web:pull') return ordinary(asked)
      const challenge = `Bearer realm="http://${host}/token",service="x",scope="repository:user/image:pull"`
      return asked.path === '/v2/' ? { status: 401, headers: { 'www-authenticate': challenge } } : { status: 404 }
    },
  },
  {
    name: 'Basic comes before Bearer',
    report: 'prowler-cloud/prowler#12691',
    answer: guarded('Basic realm="a, b", Bearer realm="REALM",service="x"'),
  },
  {
    name: 'bearer is in lower case',
    report: 'awakesecurity/hocker#69',
    answer: guarded('bearer realm="REALM",service="x"'),
  },
  {
    name: 'the challenge has no service',
    report: 'nicholas-fedor/watchtower#1895',
    answer: guarded('Bearer realm="REALM"'),
  },
  {
    name: 'Negotiate comes first, and the realm has a comma',
    report: 'podman-container-tools/skopeo#375',
    answer: guarded('Negotiate, Bearer service="a,b", realm="REALM?x=1,2" , error="invalid_token"'),
  },
  {
    name: 'the token has the name of OAuth2',
    report: 'google/go-containerregistry#54',
    answer: guarded('Bearer realm="REALM"', { access_token: 'good', token: '' }),
  },
  {
    name: 'expires_in is text',
    report: 'distribution/distribution#1746',
    answer: guarded('Bearer realm="REALM"', { token: 'good', expires_in: '3600' }),
  },
  {
    name: 'the challenge names several scopes',
    report: 'podman-container-tools/container-libs#1130',
    answer: (asked, host) => {
      const scopes = asked.query.getAll('scope')
      if (asked.path === '/token') return json(scopes.length === 2 ? { token: 'good' } : { token: 'bad' })
      return guarded('Bearer realm="REALM",scope="repository:shop/web:pull repository:shop/base:pull"')(asked, host)
    },
  },
  {
    name: 'the challenge names a scope without a repository',
    report: 'SgtSilvio/gradle-oci#141',
    answer: (asked, host) => {
      if (asked.path === '/token') return json({ token: asked.query.get('scope') === 'aws' ? 'good' : 'bad' })
      return guarded('Bearer realm="REALM",service="public.ecr.aws",scope="aws"')(asked, host)
    },
  },
  {
    name: 'a list takes another right',
    report: 'argoproj-labs/argocd-image-updater#1502',
    credentials: login,
    tokens: 2,
    answer: (asked, host) => {
      if (asked.path === '/token') return json({ token: asked.query.get('scope') })
      const right = isList(asked) ? 'metadata_read' : 'pull'
      const has = asked.headers.authorization?.split(':').at(-1)?.split(',') ?? []
      if (has.includes(right)) return ordinary(asked)
      const challenge = `Bearer realm="http://${host}/token",scope="repository:shop/web:${right}"`
      return { status: 401, headers: { 'www-authenticate': challenge } }
    },
  },
]
