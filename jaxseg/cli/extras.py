"""What parts of the library need beside JAX, and what to install for them."""

import importlib.util

from jaxseg.errors import UserError

EXTRAS = {
    "train": (
        "PIL", "filelock", "flax", "grain", "msgspec", "nibabel", "optax",
        "safetensors", "tensorboardX", "tqdm",
    ),
    "theory": ("flint", "sympy"),
    "figures": ("matplotlib",),
    "itk": ("SimpleITK",),
    "cluster": ("distributed", "dask", "dask_jobqueue", "bokeh"),
}  # fmt: skip
"""Modules that each extra of the distribution brings."""
OF_COMMAND = {
    "jaxseg theory": "theory",
    "jaxseg figures": "figures",
    "jaxseg study": "all",
}


def not_installed(error: ModuleNotFoundError, command: str = "") -> str | None:
    """What to install for a module that was not found, as a sentence; None if unknown.

    Args:
      error: of the import.
      command: that it happened in.
    """
    module = (error.name or "").partition(".")[0]
    extra = next((name for name, part in EXTRAS.items() if module in part), None)
    if extra is None:
        return None
    extra = OF_COMMAND.get(command, extra)
    return f"this needs {module}, which is not installed: pip install 'jaxseg[{extra}]'"


def require(*extras: str) -> None:
    """Refuses to begin what would miss a module later.

    Raises:
      UserError: naming what is not installed.
    """
    wanted = [module for extra in extras for module in EXTRAS[extra]]
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"this needs {', '.join(missing)}, not installed here: "
            "pip install 'jaxseg[all]'"
        )
