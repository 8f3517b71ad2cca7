/**
 * The kinds in `registryKinds` by name, for `--provider` and its completion. They stand here once more because the
 * registries themselves, with what they import, would slow down every `--help`; a test compares the two.
 */
export const providerNames = ['dockerhub', 'ghcr', 'quay', 'gar', 'acr', 'ecr', 'harbor', 'oci'] as const
