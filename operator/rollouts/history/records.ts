/**
 * One ConfigMap holds the history of a workload in two forms: `Info` in the words of the first cvmanager, and structured
 * records. Both are made here, from text to text.
 */
import type { Outcome } from '../../api/names.ts'
import type { CheckStatus, RolloutStatus } from '../../api/rollout-status.ts'

export const infoKey = 'Info'
export const recordsKey = 'rollouts.json'
/** Keeps records that cannot be read, so that a person's mistake loses nothing. */
export const unreadableKey = 'rollouts.unreadable'

/** This leaves room for the keys of others. */
export const maxBytes = 900 * 1024
/** The API server's limit for all values of a ConfigMap. */
const maxConfigMapBytes = 1024 * 1024

export interface HistoryRecord extends Pick<RolloutStatus, 'id' | 'version' | 'digest' | 'image' | 'startTime'> {
  readonly kind: string
  readonly workload: string
  readonly containers: readonly string[]
  readonly previousImages: Readonly<Record<string, string>>
  readonly from?: string | undefined
  readonly outcome: Outcome
  readonly message?: string | undefined
  /** What came of its checks. */
  readonly checks?: readonly CheckRecord[] | undefined
  readonly endTime: string
  readonly durationSeconds: number
  readonly containerVersion: string
}

type CheckRecord = Pick<CheckStatus, 'name' | 'kind' | 'step' | 'state' | 'message'>

const checkRecord = ({ name, kind, step, state, message }: CheckStatus): CheckRecord => ({
  name,
  kind,
  step,
  state,
  ...(message === undefined ? {} : { message }),
})

/** The record of a rollout for one of its workloads. */
export function recordOf(
  rollout: RolloutStatus,
  member: RolloutStatus['workloads'][number],
  containerVersion: string,
): HistoryRecord {
  const {
    id,
    version,
    digest,
    image,
    from,
    outcome = 'Aborted',
    message,
    checks,
    startTime,
    endTime = startTime,
  } = rollout
  return {
    id,
    kind: member.kind,
    workload: member.name,
    containers: member.previous.map(({ name }) => name),
    version,
    digest,
    image,
    from,
    previousImages: Object.fromEntries(member.previous.map((previous) => [previous.name, previous.image])),
    outcome,
    message,
    checks: checks?.filter(({ state }) => state !== 'Pending').map(checkRecord),
    startTime,
    endTime,
    durationSeconds: (Date.parse(endTime) - Date.parse(startTime)) / 1000,
    containerVersion,
  }
}

type Data = Readonly<Record<string, string>>

/**
 * The data with the record in front; undefined if the record is there already. Where the keys of others leave less room, old
 * records go; the new one is there in any case.
 * @param binaryBytes the size of the binary data beside it
 */
export function withRecord(data: Data, record: HistoryRecord, binaryBytes = 0, wanted = maxBytes): Data | undefined {
  const { [infoKey]: oldInfo = '', [recordsKey]: oldRecords, [unreadableKey]: oldUnreadable, ...others } = data
  const { records, unreadable = oldUnreadable } = readRecords(oldRecords)
  if (
    records.some(({ id, kind, workload }) => id === record.id && kind === record.kind && workload === record.workload)
  )
    return undefined
  const limit = Math.min(wanted, maxConfigMapBytes - binaryBytes - bytes(Object.values(others).join('')))
  const line = JSON.stringify(record)
  const lines = records.map((entry) => JSON.stringify(entry))
  const info = record.outcome === 'Succeeded' ? [infoOf(record)] : []
  const infos = [...info, ...splitInfo(oldInfo)]
  const aside = unreadable === undefined ? {} : { [unreadableKey]: unreadable.slice(0, Math.max(0, limit / 10)) }
  const room = limit - bytes(Object.values(aside).join(''))
  // One record a line, so that a diff of the ConfigMap is readable.
  const written = `[\n${[line, ...bounded(lines, (room * 2) / 3 - bytes(line))].join(',\n')}\n]\n`
  // The entries of the first cvmanager have all the room that the records do not need yet.
  return { [infoKey]: bounded(infos, room - bytes(written)).join('\n'), [recordsKey]: written, ...aside }
}

/** The records of a ConfigMap, newest first. If the text is no list of records, the text itself. */
export function readRecords(text: string | undefined): {
  readonly records: readonly HistoryRecord[]
  readonly unreadable?: string
} {
  if (text === undefined || text.trim() === '') return { records: [] }
  try {
    const parsed: unknown = JSON.parse(text)
    if (Array.isArray(parsed) && parsed.every(isRecord)) return { records: parsed }
  } catch {
    // Not JSON: kept aside below, as any other JSON is.
  }
  return { records: [], unreadable: text }
}

function isRecord(value: unknown): value is HistoryRecord {
  return typeof value === 'object' && value !== null && 'id' in value && 'kind' in value && 'workload' in value
}

/** In the form of the first cvmanager: a Go time, the workload, the version, and an empty line between two entries. */
function infoOf({ workload, version, endTime }: HistoryRecord): string {
  const time = `${endTime.slice(0, 10)} ${endTime.slice(11, 19)} +0000 UTC`
  return `Update occurred at:${time}:\nWorkload:${workload} to version:${version}\n`
}

const splitInfo = (text: string): string[] =>
  text.split(/^(?=Update occurred at:)/m).flatMap((entry) => (entry.trim() === '' ? [] : [`${entry.trimEnd()}\n`]))

const bytes = (text: string): number => Buffer.byteLength(text, 'utf8')

/** The first entries that fit, each whole (B45). */
function bounded(entries: readonly string[], limit: number): readonly string[] {
  let used = 0
  const end = entries.findIndex((entry) => {
    used += bytes(entry) + 2
    return used > limit
  })
  return end < 0 ? entries : entries.slice(0, end)
}
