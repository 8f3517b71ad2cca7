/** Workloads as strategies and `plan` see them. Each kind has its own file; the contract suite runs over all kinds. */
import type { V1Pod } from '@kubernetes/client-node'
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
  /** It is in `initContainers`: an init container, or a sidecar. Names are unique among all containers of a pod. */
  readonly init?: true
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

export type Labels = Readonly<Record<string, string>>

/** A Service as it was observed. */
export interface ServiceRef extends ObjectRef {
  readonly resourceVersion: string
}

/** What the cache keeps of a workload: some 0.6 KB instead of the 11 KB of the whole object. */
export interface WorkloadObject extends CachedObject, WorkloadRef {
  readonly generation: number
  readonly labels: Labels
  /** Another object controls it, and alone decides about it (B14): its owner, or the file of a static pod. */
  readonly controlled: boolean
  /** A Job or Pod that has succeeded or failed: it runs nothing any more. */
  readonly ended: boolean
  readonly deleting: boolean
  readonly containers: readonly Container[]
  /** The annotation `cvmanager.io/order`: workloads change in this order, those of one number together. */
  readonly order: number
  /** How many pods it should have, by its spec; undefined of a kind that has no such field. */
  readonly replicas: number | undefined
  /** The labels of its pod template. */
  readonly podLabels: Labels
  /** Names, from the pod template. */
  readonly imagePullSecrets: readonly string[]
  readonly serviceAccountName: string
  /** The label selector of its pods, in the query form of the API. Empty for a kind whose pods are not looked at by labels. */
  readonly podSelector: string
  /** cvmanager owns fields of a workload that another manager applies server-side: its next apply would conflict. */
  readonly mustDisown: boolean
  /**
   * Names its present pod template: the hash of a Deployment's, the update revision of a StatefulSet, the generation of a
   * DaemonSet. Undefined until its controller has taken the template up, but for a Deployment; and for kinds that do not say.
   */
  readonly revision: string | undefined
  /** Whether its controller has brought the last change to all its pods. */
  readonly progress: Health
  readonly availablePods: number
  /** How many of its pods do not have the last change, or are not available. Undefined until the change is observed. */
  readonly missingPods: number | undefined
  /** How many of its pods are not even created, of a kind whose status does not say why. */
  readonly uncreatedPods: number
  /** How often the containers of a Pod have restarted, those of earlier images included. */
  readonly restarts: number
  /** The condition ProgressDeadlineExceeded of a Deployment, which may be about an earlier template. */
  readonly timedOut: { readonly message: string; readonly time: number } | undefined
  /**
   * From this ordinal on, its controller keeps a pod of an older template for as long as the pod is not ready, so that a
   * broken pod blocks every later change. Undefined if the controller replaces pods in any state.
   */
  readonly waitsFromOrdinal: number | undefined
}

/** Which pods are a workload's own, and which of them have its present template. */
export interface Revision {
  /** The UIDs of what controls its pods: its own, or those of its ReplicaSets. */
  readonly controllers: ReadonlySet<string>
  /** The UID of a Pod, which is its own pod. Its images may change while it runs. */
  readonly itself?: string
  /** The label of a pod that names its template; undefined if the kind gives none. */
  readonly label: 'pod-template-hash' | 'controller-revision-hash' | undefined
  /** Its value for the present template; undefined while there is nothing of that template. */
  readonly present: string | undefined
  /** Without a label, the images of the present template tell its pods. */
  readonly images?: readonly Container[]
  /** The ReplicaSet of the present template. */
  readonly replicaSet?: string | undefined
}

/** One kind of workload. */
export interface WorkloadKind {
  readonly kind: string
  readonly group: string
  readonly version: string
  readonly plural: string
  /** The path of the pod template in an object; empty if the object is a pod itself. */
  readonly podTemplate: readonly string[]
  /**
   * How a new image reaches pods: its controller rolls it out after the patch, or a person does; the next run has it; or never,
   * since Kubernetes lets nobody change the template.
   */
  readonly rolls: 'ByPatch' | 'AtNextRun' | 'Never'
  /** Leaves out what others control, as far as the API server can tell: there may be tens of thousands of it. */
  readonly watched?: { readonly labelSelector?: string; readonly fieldSelector?: string }
  /**
   * Its progress depends on `observedGeneration` first (B19).
   * @param raw the object as the API server sends it
   */
  readonly strip: (raw: unknown) => WorkloadObject
  /** The resource in `apps` that keeps its templates, if its own status does not name the present one. */
  readonly templates: 'replicasets' | 'controllerrevisions' | undefined
  /** @param templates objects of that resource, as the API server sends them; those of others too */
  readonly revisionOf: (object: WorkloadObject, templates: readonly unknown[]) => Revision
  /**
   * Its progress in a rollout, if its own status does not say which of its pods have the present template.
   * @param pods how many live pods have it, and how many of those are ready
   */
  readonly progressOf?: (object: WorkloadObject, pods: { readonly updated: number; readonly ready: number }) => Health
}

export type Change =
  | ImageChange
  /** Creates the pod of a check. */
  | { readonly change: 'create'; readonly object: V1Pod }
  /** Deletes a pod: of a check, by its name; or one that blocks the change of its workload, so that the controller creates a new one. */
  | { readonly change: 'delete'; readonly of: ObjectRef; readonly check?: string }
  /** Gives up cvmanager's ownership of fields in a workload that another manager applies server-side. */
  | { readonly change: 'disown'; readonly of: WorkloadRef }
  /** Sets how many pods a workload should have. */
  | { readonly change: 'scale'; readonly of: WorkloadRef; readonly replicas: number }
  | SelectorChange

/** Points a Service at other pods. */
export interface SelectorChange {
  readonly change: 'selector'
  readonly of: ServiceRef
  readonly selector: Labels
  /** The selector that was observed: the patch has only the labels that differ from it. */
  readonly seen: Labels
  /** What else the decision rests on: the workloads are read again before the change. */
  readonly workloads: readonly WorkloadRef[]
}

export interface ImageChange {
  readonly change: 'images'
  readonly of: WorkloadRef
  readonly images: readonly Container[]
  /** What the decision rests on: while this is the same, so is the decision, whatever else changes in the workload. */
  readonly seen: Pick<WorkloadObject, 'labels' | 'containers'>
}

/** The API server has stored another image than a patch had: a webhook or policy has rewritten it. */
export interface RewrittenImage {
  readonly of: WorkloadRef
  /** The container's name. */
  readonly name: string
  readonly sent: string
  readonly stored: string
}

/** What a rollout found before it changed a workload. */
export interface Before {
  /** How many of its pods were unavailable because of their nodes. */
  readonly unavailable: number
  /** How often the containers of a Pod had restarted. */
  readonly restarts: number
  /** The names of the containers that the rollout changes. */
  readonly changed: readonly string[]
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
  readonly order: number
  readonly rolls: WorkloadKind['rolls']
  readonly replicas: number | undefined
  readonly podLabels: Labels
  readonly health: Health
  /** The UIDs of its ready pods of the present template (B31). Empty if its pods were not read. */
  readonly ready: ReadonlySet<string>
  readonly restarts: number
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
