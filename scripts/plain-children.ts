/**
 * Loaded into each test file by .taprc. tap has every Node process that a test starts load what measures coverage, which is
 * off here, whatever environment the test gives it. A start of cvmanager then takes four times as long.
 */
import { createRequire } from 'node:module'

const requireOfTap = createRequire(import.meta.resolve('tap'))
requireOfTap('process-on-spawn').removeAllListeners()
delete process.env.NODE_OPTIONS
