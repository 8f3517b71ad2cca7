/** Workloads as strategies and `plan` see them. Each kind has its own file; the contract suite runs over all kinds. */
import type { CachedObject } from '../../kubernetes/store.ts'

export type Health =
  | { readonly state: 'healthy' }
  /** Not healthy yet; `reason` tells people what it waits for, and `because` why the version could not be tried. */
  | { readonly state: 'waiting'; readonly reason: string; readonly because?: 'Paused' | 'OnDelete' | 'Quota' }
  /** Will not become healthy by itself; `reason` names the cause, such as a pod that cannot pull its image. */
  | { readonly state: 'stuck'; readonly reason: string }

export interface Container {
  readonly name: string
  readonly image: string
}

/** One object, and no other of its name (B36). */
export interface ObjectRef {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** A workload as it was observed: changes apply only while it is still like this (B15). */
export interface WorkloadRef extends ObjectRef {
  readonly kind: string
  readonly resourceVersion: string
}

/** What the cache keeps of a workload: some 0.6 KB instead of the 11 KB of the whole object. */
export interface WorkloadObject extends CachedObject, WorkloadRef {
  readonly labels: Readonly<Record<string, string>>
  /** Another object controls it, and alone decides about it (B14). */
  readonly controlled: boolean
  readonly deleting: boolean
  readonly containers: readonly Container[]
  /** Names, from the pod template. */
  readonly imagePullSecrets: readonly string[]
  readonly serviceAccountName: string
  /** The label selector of its pods, in the query form of the API. */
  readonly podSelector: string
  /** cvmanager owns fields of a workload that another manager applies server-side: its next apply would conflict. */
  readonly mustDisown: boolean
  /** Whether its controller has brought the last change to all its pods. */
  readonly progress: Health
  readonly availablePods: number
  /**
   * From this ordinal on, its controller keeps a pod of an older template for as long as the pod is not ready, so that a
   * broken pod blocks every later change. Undefined if the controller replaces pods in any state.
   */
  readonly waitsFromOrdinal: number | undefined
}

/** One kind of workload. */
export interface WorkloadKind {
  readonly kind: string
  readonly group: string
  readonly version: string
  readonly plural: string
  /**
   * Its progress depends on `observedGeneration` first (B19).
   * @param raw the object as the API server sends it
   */
  readonly strip: (raw: unknown) => WorkloadObject
}

export type Change =
  | ImageChange
  /** Deletes a pod that blocks the change of its workload, so that the controller creates a new one. */
  | { readonly change: 'delete'; readonly of: ObjectRef }
  /** Gives up cvmanager's ownership of fields in a workload that another manager applies server-side. */
  | { readonly change: 'disown'; readonly of: WorkloadRef }

export interface ImageChange {
  readonly change: 'images'
  readonly of: WorkloadRef
  readonly images: readonly Container[]
}

/** The API server has stored another image than a patch had: a webhook or policy has rewritten it. */
export interface RewrittenImage {
  readonly of: WorkloadRef
  /** The container's name. */
  readonly name: string
  readonly sent: string
  readonly stored: string
}

export interface SelectedContainer extends Container {
  /** The digest that all its pods run; undefined if they differ. */
  readonly running: string | undefined
}

/** A workload with those of its containers that the ContainerVersion selects. */
export interface Workload {
  readonly ref: WorkloadRef
  /** `Deployment/web`, for messages. */
  readonly name: string
  readonly containers: readonly SelectedContainer[]
  readonly health: Health
  /** How many of its pods are unavailable because of their nodes. No rollout changes that, so none waits for them. */
  readonly unavailable: number
  readonly mustDisown: boolean
  /** Pods that block the last change, and that the workload's own controller does not replace. */
  readonly blockers: readonly ObjectRef[]
  /** Whether it needs no patch to run `image`: its template says so, or its pods run that digest already. */
  runs(image: string): boolean
  changeTo(image: string): ImageChange
  restore(images: readonly Container[]): ImageChange
}
