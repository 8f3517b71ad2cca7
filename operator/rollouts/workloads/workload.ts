/** Workloads as strategies and the loop see them. One file each implements a kind; the contract suite runs over all. */
import type { CachedObject } from '../../kubernetes/store.ts'

export type Health =
  | { readonly state: 'healthy' }
  /** Not there yet; `reason` says what for, for people. */
  | { readonly state: 'waiting'; readonly reason: string }
  /** Will not get there by itself: a pod that cannot pull, crashes, …; `reason` names it. */
  | { readonly state: 'stuck'; readonly reason: string }

export interface Container {
  readonly name: string
  readonly image: string
}

/** What is kept of a workload in the cache: some 0.6 KB instead of the 11 KB of the whole object. */
export interface WorkloadObject extends CachedObject {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly generation: number
  readonly labels: Readonly<Record<string, string>>
  /** Another object's controller reference: such a workload is its owner's business (B14). */
  readonly controlled: boolean
  readonly deleting: boolean
  readonly containers: readonly Container[]
  /** Names, from the pod template. */
  readonly imagePullSecrets: readonly string[]
  readonly serviceAccountName: string
  /** The label selector of its pods, in the query form of the API. */
  readonly podSelector: string
  /** It was cvmanager who wrote an image last, and it still has the ownership of it. */
  readonly imageIsOurs: boolean
  /** Another manager applies the workload server-side: there, an ownership of ours is given up at once. */
  readonly imageIsApplied: boolean
  /** The numbers of spec and status that health is told by; each kind names its own. */
  readonly figures: Readonly<Record<string, number | string | boolean>>
}

/** What is used of a pod. */
export interface Pod {
  readonly name: string
  readonly uid: string
  readonly ready: boolean
  readonly deleting: boolean
  /** Evicted, failed or finished: it will not run again. */
  readonly ended: boolean
  readonly containers: readonly PodContainer[]
  /** Why it is not scheduled, where it is not. */
  readonly unschedulable: string | undefined
}

/** A pod that is meant, and no other of its name. */
export interface PodName {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export interface PodContainer {
  readonly name: string
  /** As the pod's spec names it. */
  readonly image: string
  /** `sha256:…` of what really runs, from the status' `imageID`. */
  readonly digest: string | undefined
  readonly waiting: { readonly reason: string; readonly message: string } | undefined
  readonly terminated: { readonly reason: string; readonly exitCode: number } | undefined
  readonly restarts: number
}

/** One file each: how a kind is listed, stripped, judged. */
export interface WorkloadKind {
  readonly kind: string
  readonly group: string
  readonly version: string
  readonly plural: string
  /** @param raw the object as the API server sends it */
  strip(raw: unknown): WorkloadObject
  /** Whether the controller has brought the last change of the object to all its pods; `observedGeneration` first (B19). */
  progress(object: WorkloadObject): Health
  /**
   * Whether the controller leaves a pod of an older template in place for as long as it is not ready, so that a broken
   * one blocks every later change. Absent: it replaces pods whatever their state.
   */
  waitsForPod?(object: WorkloadObject, pod: string): boolean
}

/** A change of images alone, of one workload, guarded by the version that was looked at. */
export interface ImageChange {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly images: readonly Container[]
}

export interface SelectedContainer extends Container {
  /** The digest that every running pod has of it, where they agree. */
  readonly running: string | undefined
}

/** A workload with the containers that the ContainerVersion is about. */
export interface Workload {
  readonly kind: string
  readonly namespace: string
  /** `Deployment/web`, for messages. */
  readonly name: string
  readonly uid: string
  readonly containers: readonly SelectedContainer[]
  readonly health: Health
  readonly imageIsOurs: boolean
  readonly imageIsApplied: boolean
  /** Pods that stand in the way of the last change, and that the workload's own controller will not replace. */
  readonly blockers: readonly PodName[]
  /** Whether nothing need be patched for it to run `image`: written so, or its pods already run that digest. */
  runs(image: string): boolean
  changeTo(image: string): ImageChange
  restore(images: readonly Container[]): ImageChange
}
