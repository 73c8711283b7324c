"""TensorFlow and Keras, imported without their log lines and set to give the same numbers twice.

Every module that needs them takes them from here, so that no import order can bring the noise back.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _without_log_lines() -> Iterator[None]:
    # The C++ side writes to descriptor 2 before any logging level is read: only the descriptor can be held back.
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())  # when the import fails, its log is the only explanation
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
with _without_log_lines():
    import keras
    import tensorflow as tf

    tf.zeros(1)  # starts the runtime, and with it the last of the log lines

tf.get_logger().setLevel("ERROR")  # Python's side of the log: advice on tracing, not errors
keras.config.set_image_data_format("channels_last")
tf.config.experimental.enable_op_determinism()

__all__ = ["keras", "tf"]
