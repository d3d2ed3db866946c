/** Where Hadoop's packages put the site files. */
export const DEFAULT_CONF_DIRECTORY = '/etc/hadoop/conf'
