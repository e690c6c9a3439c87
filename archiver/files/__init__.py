"""Custom resources from files instead of a cluster.

::

    inputs      which files a path means, their bytes, gunzipped
    lists       the objects of one document, also where it is a list
    split       JSON text cut into documents and items, also where it is broken or cut short
    yaml_text   one YAML document as JSON text
    yaml_only   what YAML says and JSON has no form for
    dump        the objects of any of these formats, each with its position
    surrogates  text that strict decoders refuse
    head        who an object is
    kube_system whose dumps they are
    resource    which kinds are wanted
    selector    label selectors as kubectl writes them
    source      the port Source
"""

from archiver.files.dump import documents
from archiver.files.lists import Document
from archiver.files.source import FileSource

__all__ = ["Document", "FileSource", "documents"]
