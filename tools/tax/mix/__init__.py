"""`tax mix`: samples, public datasets and documents sorted into the phases of a plan (LAB 3.3, Taiwan LLM 3 and 4).

Two passes over the texts, which lie in one file on disk meanwhile. The first reads every input and keeps out what may
not enter (admit.py); between them entries are chosen (choose.py); the second counts tokens; then the phases are filled
and written (folder.py). The result is a function of the plan and the inputs' content, not of their order.
"""

from tax.mix.run import Mixed, Options, mix

__all__ = ["Mixed", "Options", "mix"]
