"""Every sentence of the launcher, in English and Spanish.

Readable for Python 3.6: the sentence that asks for a newer Python is here too.
"""

import os
from typing import Mapping  # noqa: UP035 - Python 3.6

ENGLISH = {
    "help": "EpiCode: a self-hosted programming assistant.",
    "help.up": (
        "start EpiCode on this machine. Installs what it needs into .venv, starts PostgreSQL and "
        "Valkey (unless DATABASE_URL and REDIS_URL name yours), the page, the worker and Flower, "
        "and keeps them running until Ctrl-C."
    ),
    "help.run": (
        "run a command against a running EpiCode. It finds EpiCode's programs and addresses in "
        "its environment: ./epicode run -- python manage.py --help"
    ),
    "help.test": (
        "run all tests. Sets up everything they need; arguments go to pytest: ./epicode test -k "
        "window"
    ),
    "help.lock": (
        "write the lock files anew. They come from requirements*.in; arguments go to uv: "
        "./epicode lock --upgrade"
    ),
    "help.host": "the address to serve on, of this machine only (default 127.0.0.1)",
    "help.port": "the page's port (default 8000)",
    "help.data": "where the data lie (default ~/.local/share/epicode, or EPICODE_DATA)",
    "help.workers": "how many worker processes (default 1)",
    "help.demo": "talk to EpiCode's own demo server: no key, no model, the real product",
    "help.words": "the command and its arguments",
    "help.pytest": "for pytest",
    "help.uv": "for uv pip compile",
    "system.windows": (
        "EpiCode runs on Linux and macOS. On Windows use WSL (wsl --install, then clone and "
        "start it in there) or Docker (docker compose up)."
    ),
    "python.brew": (
        "EpiCode needs Python 3.11 or newer, this is {version}: brew install python@3.11"
    ),
    "python.apt": (
        "EpiCode needs Python 3.11 or newer, this is {version}: sudo apt install python3.11 "
        "python3.11-venv"
    ),
    "python.dnf": (
        "EpiCode needs Python 3.11 or newer, this is {version}: sudo dnf install python3.11"
    ),
    "python.other": (
        "EpiCode needs Python 3.11 or newer, this is {version}: install one from your system's "
        "packages or https://www.python.org/downloads/"
    ),
    "venv.missing": "This Python cannot make virtual environments: sudo apt install {package}",
    "venv.unwritable": "The packages cannot be installed in {folder}: {reason}",
    "venv.failed": "The packages could not be installed: {reason} (the whole story: {log})",
    "venv.making": "Making the virtual environment in {folder}",
    "venv.fetching": "Installing packages: {done} of about {total}, {seconds} s",
    "venv.placing": "Installing packages: putting them in place, {seconds} s",
    "venv.done": "Packages installed in {seconds} s",
    "venv.waiting": "Another ./epicode is installing the packages; waiting for it",
    "embedded.missing": (
        "There is no {what} for this system in the package: give the address of yours in "
        "{setting} (in .env or the environment)."
    ),
    "embedded.unusable": "The packaged {what} does not run here: {reason}",
    "postgres.root": (
        "PostgreSQL refuses to run as root, and here it cannot be run as anybody else: start "
        "EpiCode as an ordinary user, or give the address of a PostgreSQL in DATABASE_URL."
    ),
    "postgres.create": "The database could not be made: {reason}",
    "postgres.unreadable": "{folder} is not a folder of PostgreSQL's that we can read: {reason}",
    "postgres.version": (
        "The data in {folder} are of PostgreSQL {data}, this EpiCode brings {ours}: use the "
        "EpiCode that made them, or another folder with --data."
    ),
    "postgres.socket": (
        "{folder} belongs to somebody else: remove it, or set TMPDIR to a folder of yours."
    ),
    "folder.unusable": (
        "The data folder {folder} cannot be used: {reason}. Choose another with --data."
    ),
    "folder.busy": "Another ./epicode up is starting on {folder}, but has not come up yet.",
    "folder.running": "EpiCode already runs on {folder}: {url}",
    "folder.leftovers": "Stopping what an earlier start left behind: {names}",
    "folder.stuck": (
        "{name} (pid {pid}) of an earlier start cannot be stopped: end it, then try again."
    ),
    "host.refused": (
        "--host {host} would let other machines in without a sign-in: use 127.0.0.1, "
        "or EPICODE_AUTH=accounts and EPICODE_TRUSTED_HOSTS in .env."
    ),
    "port.invalid": "{value} is not a port: --port takes a number from 1 to 65535.",
    "port.taken": (
        "Port {port} is taken by another program: choose one with --port, say --port {free}"
    ),
    "env.unreadable": "{file} cannot be read: {reason}",
    "workers.invalid": "--workers takes a number from 1 to 64.",
    "upstream.key": "Model API: {address}",
    "upstream.demo": "Model API: the demo server that comes with EpiCode; no key is used",
    "upstream.found": "Model API: found {name} at {address} with {models}",
    "upstream.empty": "{name} runs at {address} but offers no model",
    "upstream.also": "Also found {name} at {address}: to use it, set OPENAI_BASE_URL in .env",
    "upstream.none": (
        "No model API: there is no OPENAI_API_KEY, and no Ollama, llama.cpp or LM Studio runs on "
        "this machine. EpiCode starts all the same; put a key in .env, or try ./epicode up --demo"
    ),
    "upstream.ask": (
        "EpiCode needs a model API. Paste an OpenAI key (it is not shown), or the address of a "
        "compatible server (http://…), or press Enter for the demo: "
    ),
    "upstream.not_a_key": "That is neither a key nor an address; press Enter for the demo.",
    "upstream.kept": "Kept in {file}",
    "models.one": "{first}",
    "models.more": "{first} and {count} more",
    "migrate.failed": "The tables could not be brought up to date; the reason is above.",
    "start.ended": "{name} ended while starting ({how}); the reason is above.",
    "start.slow": "{name} did not become ready within {seconds} s.",
    "program.missing": "{name} cannot be started: {reason}",
    "ended.code": "code {code}",
    "ended.signal": "signal {signal}",
    "restart.soon": "{name} (pid {pid}) ended with {how}; starting it again in {seconds} s",
    "restart.done": "{name} runs again, pid {pid}",
    "restart.failed": "{name} cannot be started ({reason}); trying again in {seconds} s",
    "run_file.unwritable": "run.json cannot be written: {reason}",
    "ready": "EpiCode is ready: {url} ({seconds} s)",
    "flower.slow": "Flower is not ready yet; EpiCode works without it.",
    "end.page": "EpiCode   {url}",
    "end.flower": "Flower    {url} (user {user}, password in {file})",
    "end.worker": "{name}  pid {pid}",
    "end.promise": (
        "Try the promise: ask something long, then in another terminal `kill -9 {pid}`: the answer "
        "arrives all the same. It is taken up again within seconds."
    ),
    "end.stop": "Ctrl-C stops it all.",
    "stop.begun": "Stopping (Ctrl-C again hurries)",
    "stop.waiting.worker": (
        "Waiting for {names} to finish or hand over the replies (at most {seconds} s)"
    ),
    "stop.waiting": "Waiting for {names}",
    "stop.hurry": "Hurrying: the replies in progress will be taken up at the next start",
    "stop.killed": "{name} did not stop within {seconds} s and was killed",
    "stop.done": "Stopped",
    "log.dropped": "… {count} lines left out: the terminal did not take them",
    "run.nothing": "Nothing runs on {folder}: start it with ./epicode up",
    "run.unknown": "{command}: command not found",
    "run.failed": "{command} cannot be run: {reason}",
    "run.usage": "Say what to run: ./epicode run -- COMMAND",
    "test.installing": "Installing {what} from the system's packages",
    "test.browser": "Browser: {path}",
    "test.no_browser": (
        "No Chromium here, and it cannot be installed from here: the browser tests are left out "
        "({advice})"
    ),
    "test.node": "JavaScript tests (node {version})",
    "test.no_node": "No Node 20 or newer here: the tests in tests/js are left out",
    "test.no_js": "tests/js has no tests: nothing for Node to run",
    "audit.unreachable": "No advisory source can be reached: the dependencies are not audited.",
    "audit.done": "Dependencies audited: {count} known holes.",
    "test.js_failed": "The JavaScript tests FAILED; their report is above pytest's.",
    "test.advice.apt": "sudo apt install chromium",
    "test.advice.brew": "brew install --cask chromium",
    "test.advice.other": "install Chromium or Chrome",
    "lock.writing": "Writing {file}",
    "lock.failed": "{file} could not be written",
    "interrupted": "Interrupted",
}

SPANISH = {
    "help": "EpiCode: un asistente de programación que alojas tú.",
    "help.up": (
        "arranca EpiCode en esta máquina. Instala lo que necesita en .venv, arranca PostgreSQL y "
        "Valkey (salvo que DATABASE_URL y REDIS_URL indiquen los tuyos), la página, el worker y "
        "Flower, y los mantiene en marcha hasta Ctrl-C."
    ),
    "help.run": (
        "ejecuta una orden con un EpiCode en marcha. Encuentra en su entorno los programas y las "
        "direcciones de EpiCode: ./epicode run -- python manage.py --help"
    ),
    "help.test": (
        "ejecuta todas las pruebas. Prepara cuanto necesitan; los argumentos son para pytest: "
        "./epicode test -k window"
    ),
    "help.lock": (
        "escribe de nuevo los ficheros de versiones. Salen de requirements*.in; los argumentos "
        "son para uv: ./epicode lock --upgrade"
    ),
    "help.host": "la dirección en que sirve, solo de esta máquina (por omisión 127.0.0.1)",
    "help.port": "el puerto de la página (por omisión 8000)",
    "help.data": "dónde están los datos (por omisión ~/.local/share/epicode o EPICODE_DATA)",
    "help.workers": "cuántos procesos worker (por omisión 1)",
    "help.demo": "habla con el servidor de demostración de EpiCode: sin clave ni modelo",
    "help.words": "la orden y sus argumentos",
    "help.pytest": "para pytest",
    "help.uv": "para uv pip compile",
    "system.windows": (
        "EpiCode funciona en Linux y macOS. En Windows usa WSL (wsl --install, y clónalo y "
        "arráncalo ahí dentro) o Docker (docker compose up)."
    ),
    "python.brew": (
        "EpiCode necesita Python 3.11 o posterior y este es {version}: brew install python@3.11"
    ),
    "python.apt": (
        "EpiCode necesita Python 3.11 o posterior y este es {version}: sudo apt install "
        "python3.11 python3.11-venv"
    ),
    "python.dnf": (
        "EpiCode necesita Python 3.11 o posterior y este es {version}: sudo dnf install python3.11"
    ),
    "python.other": (
        "EpiCode necesita Python 3.11 o posterior y este es {version}: instala uno con los "
        "paquetes de tu sistema o desde https://www.python.org/downloads/"
    ),
    "venv.missing": "Este Python no puede crear entornos virtuales: sudo apt install {package}",
    "venv.unwritable": "No se pueden instalar los paquetes en {folder}: {reason}",
    "venv.failed": "No se han podido instalar los paquetes: {reason} (todo el relato: {log})",
    "venv.making": "Creando el entorno virtual en {folder}",
    "venv.fetching": "Instalando paquetes: {done} de unos {total}, {seconds} s",
    "venv.placing": "Instalando paquetes: colocándolos en su sitio, {seconds} s",
    "venv.done": "Paquetes instalados en {seconds} s",
    "venv.waiting": "Otro ./epicode está instalando los paquetes; lo esperamos",
    "embedded.missing": (
        "El paquete no trae {what} para este sistema: indica la dirección del tuyo en {setting} "
        "(en .env o en el entorno)."
    ),
    "embedded.unusable": "El {what} del paquete no funciona aquí: {reason}",
    "postgres.root": (
        "PostgreSQL se niega a funcionar como root y aquí no puede hacerlo como nadie más: "
        "arranca EpiCode como usuario normal o indica la dirección de un PostgreSQL en "
        "DATABASE_URL."
    ),
    "postgres.create": "No se ha podido crear la base de datos: {reason}",
    "postgres.unreadable": "{folder} no es una carpeta de PostgreSQL que podamos leer: {reason}",
    "postgres.version": (
        "Los datos de {folder} son de PostgreSQL {data} y este EpiCode trae el {ours}: usa el "
        "EpiCode que los creó u otra carpeta con --data."
    ),
    "postgres.socket": "{folder} es de otra persona: bórrala o pon en TMPDIR una carpeta tuya.",
    "folder.unusable": (
        "No se puede usar la carpeta de datos {folder}: {reason}. Elige otra con --data."
    ),
    "folder.busy": "Otro ./epicode up está arrancando en {folder}, pero aún no ha terminado.",
    "folder.running": "EpiCode ya funciona en {folder}: {url}",
    "folder.leftovers": "Parando lo que quedó de un arranque anterior: {names}",
    "folder.stuck": (
        "No se puede parar {name} (pid {pid}) de un arranque anterior: ciérralo y vuelve a probar."
    ),
    "host.refused": (
        "--host {host} dejaría entrar a otras máquinas sin identificarse: usa 127.0.0.1, "
        "o EPICODE_AUTH=accounts y EPICODE_TRUSTED_HOSTS en .env."
    ),
    "port.invalid": "{value} no es un puerto: --port admite un número de 1 a 65535.",
    "port.taken": (
        "Otro programa ocupa el puerto {port}: elige uno con --port, por ejemplo --port {free}"
    ),
    "env.unreadable": "No se puede leer {file}: {reason}",
    "workers.invalid": "--workers admite un número de 1 a 64.",
    "upstream.key": "API del modelo: {address}",
    "upstream.demo": (
        "API del modelo: el servidor de demostración de EpiCode; no se usa ninguna clave"
    ),
    "upstream.found": "API del modelo: hay un {name} en {address} con {models}",
    "upstream.empty": "{name} funciona en {address} pero no ofrece ningún modelo",
    "upstream.also": "También hay un {name} en {address}: para usarlo, pon OPENAI_BASE_URL en .env",
    "upstream.none": (
        "Sin API de modelo: no hay OPENAI_API_KEY ni funciona Ollama, llama.cpp o LM Studio en "
        "esta máquina. EpiCode arranca igualmente; pon una clave en .env o prueba ./epicode up "
        "--demo"
    ),
    "upstream.ask": (
        "EpiCode necesita una API de modelo. Pega una clave de OpenAI (no se muestra) o la "
        "dirección de un servidor compatible (http://…), o pulsa Intro para la demo: "
    ),
    "upstream.not_a_key": "Eso no es ni una clave ni una dirección; pulsa Intro para la demo.",
    "upstream.kept": "Guardado en {file}",
    "models.one": "{first}",
    "models.more": "{first} y {count} más",
    "migrate.failed": "No se han podido poner las tablas al día; el motivo está arriba.",
    "start.ended": "{name} ha terminado mientras arrancaba ({how}); el motivo está arriba.",
    "start.slow": "{name} no ha estado listo en {seconds} s.",
    "program.missing": "No se puede arrancar {name}: {reason}",
    "ended.code": "código {code}",
    "ended.signal": "señal {signal}",
    "restart.soon": "{name} (pid {pid}) ha terminado con {how}; vuelve a arrancar en {seconds} s",
    "restart.done": "{name} funciona de nuevo, pid {pid}",
    "restart.failed": (
        "No se puede arrancar {name} ({reason}); se intentará de nuevo en {seconds} s"
    ),
    "run_file.unwritable": "No se puede escribir run.json: {reason}",
    "ready": "EpiCode está listo: {url} ({seconds} s)",
    "flower.slow": "Flower aún no está listo; EpiCode funciona sin él.",
    "end.page": "EpiCode   {url}",
    "end.flower": "Flower    {url} (usuario {user}, contraseña en {file})",
    "end.worker": "{name}  pid {pid}",
    "end.promise": (
        "Comprueba la promesa: pregunta algo largo y haz `kill -9 {pid}` en otra terminal: la "
        "respuesta llega igualmente. Se retoma en unos segundos."
    ),
    "end.stop": "Ctrl-C lo para todo.",
    "stop.begun": "Parando (otro Ctrl-C mete prisa)",
    "stop.waiting.worker": (
        "Esperando a que {names} termine o entregue las respuestas en curso (como mucho "
        "{seconds} s)"
    ),
    "stop.waiting": "Esperando a {names}",
    "stop.hurry": "Con prisa: las respuestas en curso se retomarán en el próximo arranque",
    "stop.killed": "{name} no ha parado en {seconds} s y se ha matado",
    "stop.done": "Parado",
    "log.dropped": "… {count} líneas omitidas: la terminal no las aceptaba",
    "run.nothing": "No hay nada en marcha en {folder}: arráncalo con ./epicode up",
    "run.unknown": "{command}: no existe esa orden",
    "run.failed": "No se puede ejecutar {command}: {reason}",
    "run.usage": "Di qué ejecutar: ./epicode run -- ORDEN",
    "test.installing": "Instalando {what} con los paquetes del sistema",
    "test.browser": "Navegador: {path}",
    "test.no_browser": (
        "Aquí no hay Chromium ni se puede instalar desde aquí: se omiten las pruebas de "
        "navegador ({advice})"
    ),
    "test.node": "Pruebas de JavaScript (node {version})",
    "test.no_node": "Aquí no hay Node 20 o posterior: se omiten las pruebas de tests/js",
    "test.no_js": "tests/js no tiene pruebas: nada que ejecutar con Node",
    "audit.unreachable": "No hay fuente de avisos accesible: las dependencias no se auditan.",
    "audit.done": "Dependencias auditadas: {count} fallos conocidos.",
    "test.js_failed": (
        "Las pruebas de JavaScript han FALLADO; su informe está encima del de pytest."
    ),
    "test.advice.apt": "sudo apt install chromium",
    "test.advice.brew": "brew install --cask chromium",
    "test.advice.other": "instala Chromium o Chrome",
    "lock.writing": "Escribiendo {file}",
    "lock.failed": "No se ha podido escribir {file}",
    "interrupted": "Interrumpido",
}


def language(environ: Mapping[str, str] = os.environ) -> str:
    """`es` where the terminal's locale is Spanish, else `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return "es" if environ[name].startswith("es") else "en"
    return "en"


def text(key: str, **values: object) -> str:
    """The sentence `key` in the terminal's language."""
    catalogue = SPANISH if language() == "es" else ENGLISH
    return catalogue[key].format(**values)
