"""Calls of any kernel's own functions at memory speed: batches of steps, performed in the guest."""

from ringbench.drive.guest_calls.by_name import KernelFunctions, function_address
from ringbench.drive.guest_calls.calls import GuestCalls
from ringbench.drive.guest_calls.probes import Raised, raised
from ringbench.drive.guest_calls.steps import (
    SKIPPED,
    Call,
    Check,
    Fill,
    Load,
    Operand,
    Probe,
    Result,
    Step,
    Store,
)

__all__ = [
    "SKIPPED",
    "Call",
    "Check",
    "Fill",
    "GuestCalls",
    "KernelFunctions",
    "Load",
    "Operand",
    "Probe",
    "Raised",
    "Result",
    "Step",
    "Store",
    "function_address",
    "raised",
]
