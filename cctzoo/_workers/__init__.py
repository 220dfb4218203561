"""Programs that the library runs in processes of their own, by `python -m`.

No module of the library imports them: a module that is already imported would be executed twice.
"""
