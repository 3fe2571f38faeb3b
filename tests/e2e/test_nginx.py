"""What the users of the program before Snag see: their request, through nginx, to the real server."""

import base64

import numpy as np
import pytest
import requests

from tests.support.nginx import needs_nginx, nginx


@needs_nginx
@pytest.mark.parametrize(("grey", "anomaly"), [(128, False), (250, True)])
def test_the_old_request_gets_the_old_answer(live_server, tmp_path, grey, anomaly):
    """1024 x 1024 grey bytes as base64 under `image`, to /infer: exactly {"Anomaly": true} or {"Anomaly": false}."""
    picture = np.full((1024, 1024), grey, np.uint8)

    with nginx(tmp_path / "nginx", live_server.model, live_server.ports[0]) as address:
        answer = requests.post(f"{address}/infer", json={"image": base64.b64encode(picture.tobytes()).decode()}, timeout=60)

    assert answer.status_code == 200
    assert answer.json() == {"Anomaly": anomaly}
