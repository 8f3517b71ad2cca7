/** The fields of each log line about one ContainerVersion. @param key `namespace/name` */
export function objectFields(key: string): { readonly namespace: string; readonly containerVersion: string } {
  const [namespace = '', containerVersion = ''] = key.split('/')
  return { namespace, containerVersion }
}
