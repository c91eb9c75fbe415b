import { formatError } from '../../codecs/file-bytes.js';

/** The structure of the file is not as the format says. */
export const damaged = (detail: string, cause?: unknown) => formatError('hdf5', detail, cause);

/** The structure is valid HDF5, but this reader does not know it; the HDF5 library may. */
export class NotUnderstood extends Error {}
