/**
 * The floor of an idle operator, as a process of its own: one HEAD after the other, at random moments, as often as so
 * many tags are polled, and nothing else. Arguments: URL, mean pause in milliseconds.
 */
import { Pool } from 'undici'
import { mediaTypes } from '../e2e/harness/images.ts'

const [url = '', pause = ''] = process.argv.slice(2)
const { origin, pathname: path } = new URL(url)
const pool = new Pool(origin, { connections: 8, pipelining: 1, keepAliveTimeout: 90_000 })
const headers = { accept: mediaTypes.oci.manifest, 'user-agent': 'bare-poller' }

async function head(): Promise<void> {
  const { statusCode, body } = await pool.request({ path, method: 'HEAD', headers, reset: false })
  await body.dump()
  if (statusCode !== 200) throw new Error(`HEAD ${url} was answered with ${statusCode}`)
}

function again(): void {
  setTimeout(
    () => {
      void head()
      again()
    },
    -Math.log(1 - Math.random()) * Number(pause),
  )
}

again()
