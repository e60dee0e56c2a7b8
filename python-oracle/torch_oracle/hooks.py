"""PROTOCOL.md's hooks: callables for torch's registrations, made from a command."""

from collections.abc import Callable
from typing import Any, Protocol

from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils.hooks import RemovableHandle

from torch_oracle import edits

Hook = Callable[..., Any]


class Program(Protocol):
    """What a hook does things with: the program that registered it."""

    def log(self, event: str) -> None: ...
    def value(self, node: Any) -> Any: ...
    def copy(self, value: Any) -> Any: ...
    def set_option(self, command: dict[str, Any]) -> None: ...


_REGISTRATIONS: dict[str, Callable[[Optimizer, Hook, bool], RemovableHandle]] = {
    "stepPre": lambda target, hook, _: target.register_step_pre_hook(hook),
    "stepPost": lambda target, hook, _: target.register_step_post_hook(hook),
    "globalStepPre": lambda _, hook, __: register_optimizer_step_pre_hook(hook),
    "globalStepPost": lambda _, hook, __: register_optimizer_step_post_hook(hook),
    "stateDictPre": lambda target, hook, first: target.register_state_dict_pre_hook(hook, first),
    "stateDictPost": lambda target, hook, first: target.register_state_dict_post_hook(hook, first),
    "loadStateDictPre": lambda target, hook, first: target.register_load_state_dict_pre_hook(hook, first),
    "loadStateDictPost": lambda target, hook, first: target.register_load_state_dict_post_hook(hook, first),
}


def register(target: Optimizer, command: dict[str, Any], program: Program) -> RemovableHandle:
    """Registers the hook of a `register` command."""
    hook = _hook(f"{command['hook']}:{command['as']}", command["as"], command["action"], program)
    return _REGISTRATIONS[command["hook"]](target, hook, command["prepend"])


def _hook(event: str, name: str, action: dict[str, Any], program: Program) -> Hook:
    def hook(target: Optimizer, *arguments: Any) -> Any:
        # The arguments: args and kwargs of a step, a state dict, or none.
        program.log(event)
        match action:
            case {"do": "log"}:
                return None
            case {"do": "setOption"}:
                return program.set_option(action)
            case {"do": "edit", "edits": wanted}:
                return edits.apply(wanted, arguments[0], program.value)
            case {"do": "replace", "edits": wanted}:
                copy = program.copy(arguments[0])
                edits.apply(wanted, copy, program.value)
                return copy
            case {"do": "replaceClosure", "loss": loss}:

                def closure() -> Any:
                    program.log(f"closure:{name}")
                    return program.value(loss)

                return (target,), {"closure": closure}
            case {"do": "badReturn"}:
                return 3
        raise AssertionError(f"unchecked action {action!r}")

    return hook
