import type { CheckKind } from '../../api/names.ts'
import { command } from './command.ts'
import { http } from './http.ts'
import { image } from './image.ts'
import type { Verifier } from './verifier.ts'

/** Every kind of check. To add one, add its name to api/names.ts, its field to api/checks.ts, its file, and a line here. */
export const verifiers: Readonly<Record<CheckKind, Verifier>> = { Image: image, Command: command, HTTP: http }
