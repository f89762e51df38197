from modelpick_local.home import Home


def test_a_secret_stays_the_same_and_is_its_owners_alone(tmp_path):
    secret = Home.at(tmp_path).secret("key", prefix="whsec_")

    assert Home.at(tmp_path).secret("key") == secret
    assert secret.startswith("whsec_")
    assert (tmp_path / "secrets" / "key").stat().st_mode & 0o777 == 0o600


def test_two_homes_have_two_names(tmp_path):
    assert Home(tmp_path / "a").key != Home(tmp_path / "b").key
