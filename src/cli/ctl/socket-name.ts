/** Name of the control socket in the folder of its run. */
export const SOCKET_NAME = 'ctl.sock';
