import { msgpackNative } from './codecs/msgpack-native.js';
import { integrateKernel } from './kernels/integrate.js';
import { latestAge } from './pipeline/latest-age.js';
import { recoveryPause } from './pipeline/recovery-pause.js';
import { runLoop } from './pipeline/run-loop.js';
import { stageCost } from './pipeline/stage-cost.js';
import { twoWorkers } from './pipeline/two-workers.js';
import { updateCost } from './pipeline/update-cost.js';
import { zmqIntegrateZmq } from './pipeline/zmq-integrate-zmq.js';
import { zmqNullZmq } from './pipeline/zmq-null-zmq.js';
import { guardCost } from './ring/guard-cost.js';
import { parcels } from './ring/parcels.js';
import { payloadCopy } from './ring/payload-copy.js';
import { slotLife } from './ring/slot-life.js';
import type { Bench } from './support/bench.js';
import { zmtpPublish } from './transports/zmtp-publish.js';
import { zmtpReceive } from './transports/zmtp-receive.js';
import { zmtpSend } from './transports/zmtp-send.js';

/** All benches, in the order in which they are shown. */
export const BENCHES: readonly Bench[] = [
  guardCost,
  slotLife,
  payloadCopy,
  parcels,
  runLoop,
  stageCost,
  twoWorkers,
  latestAge,
  recoveryPause,
  updateCost,
  zmqIntegrateZmq,
  zmqNullZmq,
  zmtpReceive,
  zmtpSend,
  zmtpPublish,
  integrateKernel,
  msgpackNative,
];
