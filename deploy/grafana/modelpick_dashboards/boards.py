from modelpick_dashboards.business import BUSINESS
from modelpick_dashboards.engine import ENGINE
from modelpick_dashboards.overview import OVERVIEW
from modelpick_dashboards.services import SERVICES

BOARDS = (OVERVIEW, ENGINE, SERVICES, BUSINESS)
