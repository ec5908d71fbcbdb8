from auth_svc.identities import name_key, new_id


def test_name_counts_whatever_its_case() -> None:
    assert name_key(" Ada ") == name_key("aDA") == "ada"


def test_ids_are_long_and_differ() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(one) == 32 for one in ids)
