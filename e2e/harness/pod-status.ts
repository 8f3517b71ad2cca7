import { digestAnnotation, marks, slowAnnotation } from './pod-marks.ts'

/** A plain word must stand alone, or a repository named `exchange` would match `hang`. A hash-like word may be part of a hash. */
const anyOf = (words: readonly string[]): string =>
  words.map((word) => (/\d[a-z]/.test(word) ? word : `(^|[^a-z])${word}([^a-z]|$)`)).join('|')

export const pattern = {
  broken: anyOf(marks.broken),
  crash: anyOf([...marks.crash, ...marks.exit3]),
  exit3: anyOf(marks.exit3),
  hang: anyOf(marks.hang),
  unready: anyOf(Object.values(marks).flat()),
}

/** Template text for an image reference without its digest, which might contain a mark by chance. */
const name = (image: string): string => `(regexReplaceAll "@.*$" ${image} "")`
const matches = (words: string, image: string): string => `regexMatch "${words}" ${name(image)}`

const CONTAINER_STATUS = `
{{ define "container" }}
- name: {{ .c.name | Quote }}
  image: {{ .c.image | Quote }}
  {{ if not (or .uninitialized (${matches(pattern.broken, '.c.image')})) }}
  {{ if contains "@" .c.image }}
  imageID: {{ printf "%s@%s" (regexReplaceAll ":[^/:@]+$" ${name('.c.image')} "") (regexReplaceAll "^.*@" .c.image "") | Quote }}
  {{ else if .digest }}
  imageID: {{ printf "%s@%s" (regexReplaceAll ":[^/:@]+$" .c.image "") .digest | Quote }}
  {{ else }}
  imageID: ""
  {{ end }}
  containerID: {{ printf "containerd://%s" (printf "%s/%s" .uid .c.name | sha256sum) | Quote }}
  {{ else }}
  imageID: ""
  {{ end }}
  {{ if .uninitialized }}
  ready: false
  started: false
  restartCount: 0
  state: { waiting: { reason: PodInitializing } }
  {{ else if ${matches(pattern.broken, '.c.image')} }}
  ready: false
  started: false
  restartCount: 0
  state:
    waiting:
      reason: ImagePullBackOff
      message: {{ printf "Back-off pulling image %q: ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image %q: not found" .c.image .c.image | Quote }}
  {{ else if and .restarts (${matches(pattern.crash, '.c.image')}) }}
  ready: false
  started: false
  restartCount: 3
  state:
    waiting:
      reason: CrashLoopBackOff
      message: {{ printf "back-off 40s restarting failed container=%s pod=%s_%s(%s)" .c.name .name .namespace .uid | Quote }}
  lastState:
    terminated: { exitCode: {{ if ${matches(pattern.exit3, '.c.image')} }}3{{ else }}1{{ end }}, reason: Error, startedAt: {{ .now | Quote }}, finishedAt: {{ .now | Quote }} }
  {{ else if .ends }}
  ready: {{ .init }}
  started: false
  restartCount: 0
  state:
    terminated:
      {{ if ${matches(pattern.exit3, '.c.image')} }}
      exitCode: 3
      reason: Error
      {{ else if ${matches(pattern.crash, '.c.image')} }}
      exitCode: 1
      reason: Error
      {{ else }}
      exitCode: 0
      reason: Completed
      {{ end }}
      startedAt: {{ .now | Quote }}
      finishedAt: {{ .now | Quote }}
  {{ else }}
  ready: {{ and .warm (not (${matches(pattern.unready, '.c.image')})) }}
  started: true
  restartCount: 0
  state: { running: { startedAt: {{ .now | Quote }} } }
  {{ end }}
{{ end }}`

/** @param ends whether this is the stage in which containers end */
export const podStatus = (ends: boolean): string => `${CONTAINER_STATUS}
{{ $now := Now }}
{{ $pod := . }}
{{ $digest := "" }}
{{ with .metadata.annotations }}{{ $digest = index . "${digestAnnotation}" | default "" }}{{ end }}
{{ $restarts := ne .spec.restartPolicy "Never" }}
{{ $ready := ${!ends} }}
{{ $slow := "" }}
{{ with .metadata.annotations }}{{ $slow = index . "${slowAnnotation}" | default "" }}{{ end }}
{{ $warm := or (not $slow) (not (not .status.startTime)) }}
{{ if not $warm }}{{ $ready = false }}{{ end }}
{{ $pullable := true }}
{{ $failed := false }}
{{ $initialized := true }}
{{ range .spec.initContainers }}
  {{ if ${matches(pattern.unready, '.image')} }}{{ $initialized = false }}{{ $ready = false }}{{ end }}
{{ end }}
{{ range .spec.containers }}
  {{ if ${matches(pattern.broken, '.image')} }}{{ $pullable = false }}{{ end }}
  {{ if ${matches(pattern.crash, '.image')} }}{{ $failed = true }}{{ end }}
  {{ if ${matches(pattern.unready, '.image')} }}{{ $ready = false }}{{ end }}
{{ end }}
phase: {{ if not (and $initialized $pullable) }}Pending{{ else if ${ends} }}{{ if $failed }}Failed{{ else }}Succeeded{{ end }}{{ else }}Running{{ end }}
startTime: {{ .status.startTime | default $now | Quote }}
conditions:
- { type: PodScheduled, status: "True", lastTransitionTime: {{ $now | Quote }} }
- { type: PodReadyToStartContainers, status: "True", lastTransitionTime: {{ $now | Quote }} }
- { type: Initialized, status: {{ ternary "True" "False" $initialized | Quote }}, lastTransitionTime: {{ $now | Quote }} }
{{ range list "Ready" "ContainersReady" }}
{{ if $ready }}
- { type: {{ . }}, status: "True", lastTransitionTime: {{ $now | Quote }} }
{{ else }}
- type: {{ . }}
  status: "False"
  reason: {{ if ${ends} }}PodCompleted{{ else }}ContainersNotReady{{ end }}
  {{ if not ${ends} }}message: 'containers with unready status: [{{ range $pod.spec.containers }}{{ if ${matches(pattern.unready, '.image')} }}{{ .name }} {{ end }}{{ end }}]'{{ end }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
{{ end }}
{{ if .spec.initContainers }}
initContainerStatuses:
{{ range .spec.initContainers }}
{{ template "container" dict "c" . "now" $now "digest" $digest "uid" $pod.metadata.uid "name" $pod.metadata.name "namespace" $pod.metadata.namespace "warm" true "restarts" $restarts "init" true "ends" (ne (.restartPolicy | default "") "Always") "uninitialized" false }}
{{ end }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
{{ template "container" dict "c" . "now" $now "digest" $digest "uid" $pod.metadata.uid "name" $pod.metadata.name "namespace" $pod.metadata.namespace "warm" $warm "restarts" $restarts "init" false "ends" ${ends} "uninitialized" (not $initialized) }}
{{ end }}
{{ if not .status.podIP }}
{{ with NodeIPsWith .spec.nodeName }}
hostIP: {{ index . 0 | Quote }}
hostIPs: [{ ip: {{ index . 0 | Quote }} }]
{{ end }}
{{ with PodIPsWith .spec.nodeName (or .spec.hostNetwork false) (or .metadata.uid "") (or .metadata.name "") (or .metadata.namespace "") }}
podIP: {{ index . 0 | Quote }}
podIPs: [{ ip: {{ index . 0 | Quote }} }]
{{ end }}
{{ end }}
`
