"""Start Rasa without its noise and its telemetry.

Call :func:`start` before anything imports Rasa.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings

ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",  # also keeps Sentry from being initialised
    "RASA_PRO_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "HF_HUB_OFFLINE": "1",
}


def start(*, debug: bool = False) -> None:
    """Set up environment, warnings and logging for this process.

    Parameters
    ----------
    debug
        Show Rasa's own log and the warnings of its dependencies. They can hold what users
        wrote, so this is for a developer's machine only.
    """
    os.environ.update({k: v for k, v in ENVIRONMENT.items() if k not in os.environ})
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    if not debug:
        _silence()
    import structlog

    level = logging.DEBUG if debug else logging.CRITICAL
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _silence() -> None:
    warnings.filterwarnings("ignore")
    # Sanic sets the filters anew when imported: warnings go to a logger that nobody hears.
    logging.captureWarnings(capture=True)
    for name in ("py.warnings", "rasa", "rasa_sdk", "apscheduler", "matplotlib", "tensorflow", "sanic.root"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        logger.setLevel(logging.CRITICAL)
