/** The pages of `/v1/cv/workloads` for people. They escape everything, load nothing, and their links work behind any prefix. */
import { hash } from 'node:crypto'
import { html, raw } from 'hono/html'
import { shortDigest } from '../images/digest.ts'
import type { WorkloadVersion } from '../rollouts/observe/json-of-2018.ts'

const style = `
  :root { color-scheme: light dark }
  body { margin: 1.5rem; font: 0.875rem/1.5 system-ui, sans-serif }
  h1 { font-size: 1.25rem }
  table { border-collapse: collapse }
  th, td { padding: 0.25rem 1.5rem 0.25rem 0; text-align: left; border-bottom: 1px solid #8884 }
  td:last-child { text-align: right }
  pre { font-size: 0.8125rem; white-space: pre-wrap }
`

/** Nothing but this style: no script, no other host, no form, no frame. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', style, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const workloadRow = (version: WorkloadVersion): string => {
  const { Namespace, Name, Type, Container, Version, AvailablePods } = version
  const history = `workloads/${encodeURIComponent(Name)}?namespace=${encodeURIComponent(Namespace)}&format=html`
  return String(
    html`<tr><td>${Namespace}</td><td><a href="${history}">${Name}</a></td><td>${Type}</td><td>${Container}</td><td>${shortDigest(Version)}</td><td>${AvailablePods}</td></tr>\n`,
  )
}

/** @param rows of `workloadRow` */
export const workloadsPage = (rows: readonly string[]): string =>
  page(
    'CVManager: Version list',
    html`<h1>Versions of the workloads that ContainerVersions manage</h1>
<table>
<thead>
<tr><th scope="col">Namespace</th><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Container</th><th scope="col">Version</th><th scope="col">Available pods/Status</th></tr>
</thead>
<tbody>
${raw(rows.join(''))}</tbody>
</table>
${rows.length === 0 ? html`<p>No workload is managed by a ContainerVersion.</p>\n` : ''}`,
  )

export const historyPage = (namespace: string, workload: string, text: string): string =>
  page(
    `CVManager: History of ${workload}`,
    html`<p><a href="../workloads?format=html">All workloads</a></p>
<h1>History of ${workload} in namespace ${namespace}</h1>
${text === '' ? html`<p>There is none.</p>` : html`<pre>${text}</pre>`}
`,
  )

const page = (title: string, body: ReturnType<typeof html>): string =>
  String(html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
${body}</body>
</html>
`)
