import {
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Interceptor>;

/** gRPC's status CANCELLED, which is not tried again. */
const cancelled = 1;

/**
 * The SDK's own retries of a request, which end with its connection: by themselves they would go on when it is closed, and
 * throw in a timer, where nobody can catch it and the process ends. A request whose connection was closed is rejected as
 * cancelled instead.
 */
export const retryUntilClosed: Interceptor[] = [
  makeGrpcRetryInterceptor(defaultGrpcRetryOptions()),
  (options, nextCall) => {
    try {
      return nextCall(options) as Call;
    } catch (error) {
      return cancelledCall(error instanceof Error ? error.message : String(error));
    }
  },
];

/** A call that is over as soon as it starts. */
function cancelledCall(details: string): Call {
  const nothing = () => undefined;
  return {
    start(metadata, listener) {
      listener?.onReceiveMessage?.(null);
      listener?.onReceiveStatus?.({ code: cancelled, details, metadata });
    },
    cancelWithStatus: nothing,
    getPeer: () => '',
    sendMessage: nothing,
    sendMessageWithContext: nothing,
    startRead: nothing,
    halfClose: nothing,
    getAuthContext: () => null,
  } satisfies Pick<Call, keyof Call> as unknown as Call;
}
