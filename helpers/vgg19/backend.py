"""TensorFlow and Keras, imported without their log lines and set to give the same numbers twice.

Every module that needs them takes them from here, so that no import order can bring the noise back.
"""

import os
import sys
import tempfile

__all__ = ["keras", "tf"]

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
sys.stderr.flush()
stderr = os.dup(2)
with tempfile.TemporaryFile() as held:
    # The C++ side writes to descriptor 2 before any logging level is read: only the descriptor can be held back.
    os.dup2(held.fileno(), 2)
    try:
        import keras
        import tensorflow as tf

        tf.zeros(1)  # starts the runtime, and with it the last of the log lines
    except BaseException:
        held.seek(0)
        os.write(stderr, held.read())  # when the import fails, its log is the only explanation
        raise
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)

tf.get_logger().setLevel("ERROR")  # Python's side of the log: advice on tracing, not errors
keras.config.set_image_data_format("channels_last")
tf.config.experimental.enable_op_determinism()
