"""Processes that save many files under one name.

``python -m tests.django.saver URL PROCESSES TIMES`` prints the names that they got.
"""

import os
import sys


def save(url: str, number: int, times: int) -> None:
    """Save files that tell who saved them, and print their names at once."""
    from django.core.files.base import ContentFile

    from minimalkv_django.storage import KVStorage

    storage = KVStorage(url, location="media")
    contents = [ContentFile(f"{number}-{step}") for step in range(times)]
    names = [storage.save("one/name.txt", content) for content in contents]
    os.write(sys.stdout.fileno(), "\n".join([*names, ""]).encode())


def main(url: str, processes: str, times: str) -> int:
    """Let them begin together, and return the exit code."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.django.settings"
    import django

    django.setup()
    children = []
    for number in range(int(processes)):
        # Not a process each: to import Django takes longer than all that they do.
        child = os.fork()
        if not child:
            save(url, number, int(times))
            os._exit(0)
        children.append(child)
    return max(os.waitpid(child, 0)[1] for child in children)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
